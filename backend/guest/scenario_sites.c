/*
 * trampoline-site and stack-room: the two questions about where a call is emulated. A call inside a
 * trampoline is a site, too; and pushing onto the interrupted stack needs room there.
 */
#include "boot_params.h"
#include "call_with_rsp.h"
#include "report.h"
#include "scenario.h"
#include "tracers.h"
#include "workload.h"

/* A second tracer, like the first: with two of them the trampoline must call the list. */
static noinline void second_func(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *op, struct pt_regs *regs)
{
	(void)ip, (void)parent_ip, (void)op, (void)regs;
}

static struct ftrace_ops second_ops = { .func = second_func };

/* While ftrace_call itself is under the breakpoint; the site of traced_fn stays the call that it is. */
static void call_through_trampoline(void)
{
	if (ftrace_update_func == (unsigned long)ftrace_call && atomic_read(&report.entries) == 0)
		caller_fn();
}

/* One tracer, called by the trampoline directly. */
static void trampoline_site_setup(void)
{
	trace(&tracer_ops, traced_fn);
	trace(&second_ops, traced_fn);
	register_ftrace_function(&tracer_ops);
	__register_ftrace_function(&second_ops);
	ftrace_window = call_through_trampoline;
}

const struct scenario scenario_trampoline_site = {
	.setup = trampoline_site_setup,
	.run = patch_sites,
	.ok = each_entry_was_traced,
};

/* The parity of RSP decides whether the word below it belongs to the iret frame. */
static void call_with_chosen_rsp(void)
{
	call_with_rsp((void (*)(void))traced_fn, variant(VARIANT_rsp_8));
}

static void stack_room_setup(void)
{
	trampolines_call_the_list();
	trace(&tracer_ops, traced_fn);
	trace_the_same(&regs_ops, &tracer_ops);
	register_ftrace_function(&tracer_ops);
	__register_ftrace_function(&regs_ops);
	ftrace_window = call_with_chosen_rsp;
}

const struct scenario scenario_stack_room = {
	.setup = stack_room_setup,
	.run = patch_sites,
	.ok = each_entry_was_traced,
};
