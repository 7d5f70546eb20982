/*
 * What is traced. This file alone is built with a site at the start of each function; the rest of the
 * guest is "notrace", as entry code, handlers and the scheduler must be.
 */
#include "workload.h"
#include "report.h"

/* Each returns something of its arguments, so that a call that loses a register is noticed. */
long traced_fn(long a, long b)
{
	atomic_inc(&report.entries);
	return a - b;
}

long traced_second_fn(long a, long b)
{
	atomic_inc(&report.entries);
	return a + b;
}

void traced_softirq(void)
{
	atomic_inc(&report.entries);
}

void traced_irq(void)
{
	atomic_inc(&report.entries);
}

void traced_nmi(void)
{
	atomic_inc(&report.entries);
}

void traced_mce(void)
{
	atomic_inc(&report.entries);
}

/* Called by ftrace_int3_handler() under the variant traced-handler. */
void traced_handler(void)
{
	atomic_inc(&report.entries);
}

/* Called by preempt_schedule_irq() under the variant traced-preempt. */
void traced_preempt(void)
{
	atomic_inc(&report.entries);
}

long patched_fn(long a, long b)
{
	atomic_inc(&report.entries);
	atomic_inc(&report.old_bodies);
	(void)a, (void)b;
	return OLD_RESULT;
}
