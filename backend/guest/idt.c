/*
 * The interrupt descriptor table, one for all CPUs. The design decides where int3 enters: with or without
 * a gap under the interrupted stack.
 */
#include "boot_params.h"
#include "cpu.h"
#include "segment.h"
#include "traps.h"

static struct gate_desc idt_table[256] __aligned(16);

static void set_gate(int vector, void (*entry)(void), u8 ist, u8 type_dpl)
{
	struct gate_desc *gate = &idt_table[vector];
	u64 offset = (u64)entry;

	gate->offset_low = offset;
	gate->segment = __KERNEL_CS;
	gate->ist = ist;
	gate->type_dpl = type_dpl;
	gate->offset_middle = offset >> 16;
	gate->offset_high = offset >> 32;
}

void trap_init(void)
{
	int create_gap = boot_params.design == DESIGN_gap && !variant(VARIANT_no_gap);

	set_gate(X86_TRAP_BP, create_gap ? int3_create_gap : int3, 0, GATE_INTERRUPT_DPL3);
	set_gate(X86_TRAP_UD, invalid_op, 0, GATE_INTERRUPT);
	set_gate(X86_TRAP_DF, double_fault, DOUBLEFAULT_STACK, GATE_INTERRUPT);
	set_gate(X86_TRAP_GP, general_protection, 0, GATE_INTERRUPT);
	set_gate(X86_TRAP_PF, page_fault, 0, GATE_INTERRUPT);
	set_gate(X86_TRAP_NMI, variant(VARIANT_plain_nmi) ? nmi_plain : nmi, NMI_STACK, GATE_INTERRUPT);
	set_gate(X86_TRAP_MC, machine_check, MCE_STACK, GATE_INTERRUPT);
	set_gate(LOCAL_TIMER_VECTOR, apic_timer_interrupt, 0, GATE_INTERRUPT);
	set_gate(CALL_FUNCTION_VECTOR, call_function_interrupt, 0, GATE_INTERRUPT);
}

void load_idt(void)
{
	struct {
		u16 size;
		u64 address;
	} __packed descriptor = { sizeof(idt_table) - 1, (u64)idt_table };

	__asm__ volatile("lidt %0" : : "m"(descriptor));
}
