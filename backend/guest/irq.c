/*
 * Interrupts: counted in preempt_count, acknowledged, and, when the outermost one ends, followed by the
 * softirqs that it has raised.
 */
#include "irq.h"
#include "apic.h"
#include "preempt.h"
#include "scenario.h"
#include "traps.h"

void irq_enter(void)
{
	preempt_count_add(HARDIRQ_OFFSET);
}

void irq_exit(void)
{
	preempt_count_sub(HARDIRQ_OFFSET);
	if (!in_interrupt() && local_softirq_pending())
		__do_softirq();
}

/* There is no timer: the host raises this vector where the schedule says so. */
void smp_apic_timer_interrupt(struct pt_regs *regs)
{
	(void)regs;
	irq_enter();
	ack_APIC_irq();
	if (scenario->irq)
		scenario->irq();
	irq_exit();
}
