/*
 * Bringing up one CPU's own state: its per-CPU area, its task state segment and the stacks that it names.
 */
#include "cpu.h"
#include "preempt.h"
#include "sched.h"
#include "segment.h"
#include "apic.h"

/* One page for each CPU's area would waste most of it; guest.ld checks PERCPU_SIZE. */
u8 percpu_areas[NR_CPUS * PERCPU_SIZE] __aligned(64);

DEFINE_PER_CPU(int, cpu_number);
DEFINE_PER_CPU(int, __preempt_count);
DEFINE_PER_CPU(int, mce_count);

static struct tss_struct cpu_tss[NR_CPUS] __aligned(16);

/*
 * Stacks that the CPU switches to whatever it was doing: an NMI may come when RSP cannot be trusted. Each
 * starts over at its top, so a second NMI on it would overwrite the first (nmi.S).
 */
static u8 df_stacks[NR_CPUS][IST_SIZE] __aligned(16);
static u8 nmi_stacks[NR_CPUS][IST_SIZE] __aligned(16);
static u8 mce_stacks[NR_CPUS][IST_SIZE] __aligned(16);

/* A TSS descriptor is 16 bytes: limit, base in four pieces, type 9 = available TSS (SDM figure 7-4). */
static void set_tss_desc(int cpu, u64 base)
{
	u64 *desc = &gdt[GDT_ENTRY_TSS + 2 * cpu];

	desc[0] = (sizeof(struct tss_struct) - 1) | (base & 0xffffff) << 16 | 0x89UL << 40 | (base >> 24 & 0xff) << 56;
	desc[1] = base >> 32;
}

void cpu_init(int cpu)
{
	struct tss_struct *tss = &cpu_tss[cpu];

	this_cpu_write(cpu_number, cpu);
	this_cpu_write(__preempt_count, PREEMPT_ENABLED + PREEMPT_OFFSET);
	this_cpu_write(current_task, &idle_tasks[cpu]);

	tss->ist[DOUBLEFAULT_STACK - 1] = (u64)(df_stacks[cpu] + IST_SIZE);
	tss->ist[NMI_STACK - 1] = (u64)(nmi_stacks[cpu] + IST_SIZE);
	tss->ist[MCE_STACK - 1] = (u64)(mce_stacks[cpu] + IST_SIZE);
	tss->io_bitmap_base = sizeof(*tss);
	set_tss_desc(cpu, (u64)tss);
	__asm__ volatile("ltr %w0" : : "r"((GDT_ENTRY_TSS + 2 * cpu) * 8));

	apic_setup();
}
