/*
 * void int3(void); and its like: where the CPU goes on an exception or interrupt, by the IDT.
 *
 * Each builds a struct pt_regs under the five words that the CPU pushed and hands it to C. What C changes
 * in it is what the iretq at the end loads: that is how a handler sends the interrupted code elsewhere.
 */
#include "asm-offsets.h"
#include "entry.h"

	.text

/*
 * int3 stays on the interrupted stack: the word just above the frame may be the caller's data, the word
 * below the interrupted RSP is already part of the frame. Under the merged design (v5.2) the gate points
 * to int3_create_gap instead, which copies the frame 48 bytes further down.
 */
idtentry int3		 do_int3	has_error_code=0
idtentry int3_create_gap do_int3	has_error_code=0 create_gap=1

idtentry invalid_op	    do_invalid_op	   has_error_code=0
idtentry general_protection do_general_protection  has_error_code=1
idtentry page_fault	    do_page_fault	   has_error_code=1

/* On stacks of their own: nobody may be scheduled from there, so the way back asks no question. */
idtentry double_fault	do_double_fault	 has_error_code=1 exit=restore_regs_and_return_to_kernel
idtentry machine_check	do_machine_check has_error_code=0 exit=restore_regs_and_return_to_kernel
idtentry nmi_plain	do_nmi		 has_error_code=0 exit=restore_regs_and_return_to_kernel

apicinterrupt LOCAL_TIMER_VECTOR   apic_timer_interrupt    smp_apic_timer_interrupt
apicinterrupt CALL_FUNCTION_VECTOR call_function_interrupt smp_call_function_interrupt

/*
 * The way back. An exception here never comes from user mode, so the only question is preemption: the
 * handler's work is done, the frame is ready, and yet another task may run before iretq uses it.
 */
FUNC(error_exit)
	CFI_PT_REGS
LABEL(ret_from_intr)
	cli
LABEL(retint_kernel)
	btl	$X86_EFLAGS_IF_BIT, EFLAGS(%rsp)	/* were interrupts on? */
	jnc	restore_regs_and_return_to_kernel
	cmpl	$0, %gs:__preempt_count			/* preemption allowed and wanted */
	jnz	restore_regs_and_return_to_kernel
	call	preempt_schedule_irq
LABEL(restore_regs_and_return_to_kernel)
	POP_REGS
	add	$8, %rsp				/* orig_ax */
	.cfi_adjust_cfa_offset -8
LABEL(native_irq_return_iret)
	iretq
END(error_exit)
