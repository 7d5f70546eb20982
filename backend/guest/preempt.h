#ifndef GUEST_PREEMPT_H
#define GUEST_PREEMPT_H

#include "percpu.h"

/*
 * What this CPU is doing, in one word. Bits 0-7 count preempt_disable(), 8-15 softirq nesting,
 * 16-19 hardirq nesting, 20 is NMI. Bit 31 is inverted: clear means "reschedule!". So the word is
 * zero exactly when preemption is both allowed and wanted, and entry.S needs a single compare.
 */
#define PREEMPT_OFFSET (1 << 0)
#define SOFTIRQ_OFFSET (1 << 8)
#define HARDIRQ_OFFSET (1 << 16)
#define NMI_OFFSET (1 << 20)
#define SOFTIRQ_MASK 0x0000ff00
#define HARDIRQ_MASK 0x000f0000
#define NMI_MASK 0x00100000
#define PREEMPT_NEED_RESCHED 0x80000000
#define PREEMPT_ENABLED PREEMPT_NEED_RESCHED

DECLARE_PER_CPU(int, __preempt_count);
DECLARE_PER_CPU(int, mce_count); /* machine checks have no bit of their own in the kernel's word */

#define preempt_count() this_cpu_read(__preempt_count)
#define preempt_count_add(n) this_cpu_add(__preempt_count, n)
#define preempt_count_sub(n) this_cpu_add(__preempt_count, -(n))
#define preempt_disable_notrace() preempt_count_add(PREEMPT_OFFSET)
#define preempt_enable_no_resched_notrace() preempt_count_sub(PREEMPT_OFFSET)
#define preempt_enable_notrace()                                          \
	do {                                                              \
		preempt_enable_no_resched_notrace();                      \
		if (preempt_count() == 0) /* allowed again, and wanted */ \
			preempt_schedule();                               \
	} while (0)
#define set_preempt_need_resched() this_cpu_and(__preempt_count, ~PREEMPT_NEED_RESCHED)
#define clear_preempt_need_resched() this_cpu_or(__preempt_count, PREEMPT_NEED_RESCHED)

void preempt_schedule(void); /* sched.c */

#define in_interrupt() (preempt_count() & (SOFTIRQ_MASK | HARDIRQ_MASK | NMI_MASK))
#define in_softirq() (preempt_count() & SOFTIRQ_MASK)

#endif
