/*
 * How many calls can be pending at once: one CPU, one task, and interrupts of every kind between a trap
 * and the end of its emulation. When they come is up to the schedule; what they do is here.
 */
#include "irq.h"
#include "preempt.h"
#include "scenario.h"
#include "tracers.h"
#include "workload.h"

/*
 * All sites are calls already, for the tracer. The second tracer wants registers, so each call goes from
 * ftrace_caller to ftrace_regs_caller: the tracer is owed every entry throughout.
 */
static void contexts_setup(void)
{
	trampolines_call_the_list();
	trace(&tracer_ops, traced_fn);
	trace(&tracer_ops, traced_softirq);
	trace(&tracer_ops, traced_irq);
	trace(&tracer_ops, traced_nmi);
	trace(&tracer_ops, traced_mce);
	trace_the_same(&regs_ops, &tracer_ops);
	register_ftrace_function(&tracer_ops);
	__register_ftrace_function(&regs_ops);
	ftrace_window = caller_fn;
}

/* The first interrupt leaves work for a softirq; one that comes while that runs does its own at once. */
static void irq_or_softirq(void)
{
	if (in_softirq())
		traced_irq();
	else
		raise_softirq(TIMER_SOFTIRQ);
}

/* four-contexts and fifth, where the machine check comes when all four slots are taken. */
const struct scenario scenario_contexts = {
	.setup = contexts_setup,
	.run = patch_sites,
	.ok = each_entry_was_traced,
	.irq = irq_or_softirq,
	.softirq = traced_softirq,
	.nmi = traced_nmi,
	.mce = traced_mce,
};

/* nmi-in-handler, irq-in-stub, nmi-in-nmi: an interrupt that traps at once. They differ in when it comes. */
const struct scenario scenario_interrupted = {
	.setup = contexts_setup,
	.run = patch_sites,
	.ok = each_entry_was_traced,
	.irq = traced_irq,
	.softirq = traced_softirq,
	.nmi = traced_nmi,
	.mce = traced_mce,
};
