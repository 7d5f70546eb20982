/*
 * What NMIs and machine checks do here: the scenario's work, counted so that everyone can tell.
 */
#include "preempt.h"
#include "processor.h"
#include "scenario.h"
#include "segment.h"
#include "traps.h"

void do_nmi(struct pt_regs *regs, long error_code)
{
	(void)regs, (void)error_code;
	preempt_count_add(NMI_OFFSET + HARDIRQ_OFFSET);
	if (scenario->nmi)
		scenario->nmi();
	preempt_count_sub(NMI_OFFSET + HARDIRQ_OFFSET);
}

/* Clearing MCG_STATUS says that the machine check is over; a second one before that shuts the CPU down. */
void do_machine_check(struct pt_regs *regs, long error_code)
{
	(void)regs, (void)error_code;
	preempt_disable_notrace();
	this_cpu_add(mce_count, 1);
	if (scenario->mce)
		scenario->mce();
	wrmsr(MSR_IA32_MCG_STATUS, 0);
	this_cpu_add(mce_count, -1);
	preempt_enable_no_resched_notrace();
}
