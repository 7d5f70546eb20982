/*
 * Softirqs: work that an interrupt leaves for later, done right behind it with interrupts on again. That
 * is why an interrupt can come in the middle of one, and why irq and softirq count as two contexts.
 */
#include "irq.h"
#include "percpu.h"
#include "preempt.h"
#include "processor.h"
#include "scenario.h"

DEFINE_PER_CPU(int, softirq_pending);

void raise_softirq(int nr)
{
	this_cpu_or(softirq_pending, 1 << nr);
}

int local_softirq_pending(void)
{
	return this_cpu_read(softirq_pending);
}

/* Called and left with interrupts off. */
noinline void __do_softirq(void)
{
	int pending = local_softirq_pending();

	preempt_count_add(SOFTIRQ_OFFSET);
	this_cpu_write(softirq_pending, 0);
	local_irq_enable();
	if (pending & 1 << TIMER_SOFTIRQ)
		scenario->softirq();
	local_irq_disable();
	preempt_count_sub(SOFTIRQ_OFFSET);
}
