/*
 * first-call and livepatch-window: one CPU meets the breakpoint. While its own patcher has put int3 on
 * the site and not yet gone on, the worker calls the function, as a second CPU would.
 */
#include "boot_params.h"
#include "livepatch.h"
#include "report.h"
#include "scenario.h"
#include "tracers.h"
#include "workload.h"

/* The site turns from nop to call: a fops that is missed before the end was not promised yet. */
static void first_call_setup(void)
{
	trampolines_call_the_list();
	trace(&tracer_ops, traced_fn);
	if (variant(VARIANT_traced_handler))
		trace(&tracer_ops, traced_handler);
	__register_ftrace_function(&tracer_ops);
	ftrace_window = caller_fn;
}

const struct scenario scenario_first_call = {
	.setup = first_call_setup,
	.run = patch_sites,
	.ok = no_entry_was_traced_twice,
};

/*
 * The site is a call before (to the live patch's own trampoline) and a call after (to ftrace_regs_caller,
 * which serves both ops). In between, under "skip", it is a nop, and the old body runs.
 */
static void livepatch_window_setup(void)
{
	trampolines_call_the_list();
	klp_patch_func((unsigned long)patched_fn, (unsigned long)patched_fn_new);
	trace(&tracer_ops, patched_fn);
	if (variant(VARIANT_traced_handler))
		trace(&tracer_ops, traced_handler);
	__register_ftrace_function(&tracer_ops);
	ftrace_window = caller_of_patched_fn;
}

static int livepatch_window_ok(void)
{
	return no_entry_was_traced_twice() && !atomic_read(&report.old_bodies);
}

const struct scenario scenario_livepatch_window = {
	.setup = livepatch_window_setup,
	.run = patch_sites,
	.ok = livepatch_window_ok,
};
