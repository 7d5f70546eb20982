/*
 * first-call and livepatch-window: one CPU meets the breakpoint. While its own patcher has put int3 on
 * the site and not yet gone on, the worker calls the function, as a second CPU would.
 */
#include "boot_params.h"
#include "livepatch.h"
#include "report.h"
#include "scenario.h"
#include "workload.h"

/*
 * Any tracer beyond the first finds the trampolines pointed to ftrace_ops_list_func() already. So do we,
 * and the scenario is about nothing but the function's site.
 */
static void trampolines_call_the_list(void)
{
	tracer_ops.flags |= FTRACE_OPS_FL_DYNAMIC;
	ftrace_trace_function = ftrace_ops_list_func;
	ftrace_update_ftrace_func(ftrace_ops_list_func);
}

static void first_call_setup(void)
{
	trampolines_call_the_list();
	ftrace_set_filter_ip(&tracer_ops, (unsigned long)traced_fn);
	ftrace_window = caller_fn;
}

/* The site turns from nop to call: a fops that is missed before the end was not promised yet. */
static void register_tracer(void)
{
	register_ftrace_function(&tracer_ops);
}

static int first_call_ok(void)
{
	int calls = atomic_read(&report.calls);

	if (atomic_read(&report.entries) != 1 || atomic_read(&report.wrong))
		return 0;
	return calls == 1 || (calls == 0 && boot_params.design == DESIGN_skip);
}

const struct scenario scenario_first_call = {
	.setup = first_call_setup,
	.run = register_tracer,
	.ok = first_call_ok,
};

/*
 * The site is a call before (to the live patch's own trampoline) and a call after (to ftrace_regs_caller,
 * which serves both ops). In between, under "skip", it is a nop, and the old body runs.
 */
static void livepatch_window_setup(void)
{
	trampolines_call_the_list();
	klp_patch_func((unsigned long)patched_fn, (unsigned long)patched_fn_new);
	ftrace_set_filter_ip(&tracer_ops, (unsigned long)patched_fn);
	ftrace_window = caller_of_patched_fn;
}

static int livepatch_window_ok(void)
{
	return atomic_read(&report.new_bodies) == 1 && !atomic_read(&report.old_bodies) && !atomic_read(&report.wrong);
}

const struct scenario scenario_livepatch_window = {
	.setup = livepatch_window_setup,
	.run = register_tracer,
	.ok = livepatch_window_ok,
};
