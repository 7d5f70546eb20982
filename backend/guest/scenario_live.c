/*
 * Two CPUs at once: one rewrites the sites by the full protocol, the others keep calling the functions.
 * Who runs into a breakpoint, and when, is up to the schedule.
 */
#include "livepatch.h"
#include "processor.h"
#include "report.h"
#include "scenario.h"
#include "tracers.h"
#include "workload.h"

static int patching_done;

/* The patcher's loop: there and back, boot_params.rounds times in all. */
static void toggle(struct ftrace_ops *ops, int registered)
{
	u32 round;

	for (round = 0; round < boot_params.rounds; round++, registered = !registered) {
		if (registered)
			unregister_ftrace_function(ops);
		else
			register_ftrace_function(ops);
	}
	WRITE_ONCE(patching_done, 1);
}

static void enable_tracer(void)
{
	toggle(&tracer_ops, 0);
}

static void disable_tracer(void)
{
	toggle(&tracer_ops, 1);
}

/* The callers' loop. The pause is where the CPU may be left to others. */
static void keep_calling(void (*caller)(void))
{
	while (!READ_ONCE(patching_done)) {
		caller();
		cpu_relax();
	}
}

static void call_fn(void)
{
	keep_calling(caller_fn);
}

static void call_second_fn(void)
{
	keep_calling(caller_of_second_fn);
}

static void call_patched_fn(void)
{
	keep_calling(caller_of_patched_fn);
}

/* patch-live: from no tracer to one: the whole of ftrace_modify_all_code(), trampolines included. */
static void patch_live_setup(void)
{
	trace(&tracer_ops, traced_fn);
}

const struct scenario scenario_patch_live = {
	.setup = patch_live_setup,
	.run = call_fn,
	.ok = no_entry_was_traced_twice,
	.patch = enable_tracer,
};

/* disable-live: the way back. */
static void disable_live_setup(void)
{
	trace(&tracer_ops, traced_fn);
	register_ftrace_function(&tracer_ops);
}

const struct scenario scenario_disable_live = {
	.setup = disable_live_setup,
	.run = call_fn,
	.ok = no_entry_was_traced_twice,
	.patch = disable_tracer,
};

/* torn, late-handler: one site and nothing else, so that every byte and every step can be looked at. */
static void one_site_setup(void)
{
	trampolines_call_the_list();
	trace(&tracer_ops, traced_fn);
}

const struct scenario scenario_one_site = {
	.setup = one_site_setup,
	.run = call_fn,
	.ok = no_entry_was_traced_twice,
	.patch = enable_tracer,
};

/* livepatch-live: while a tracer comes, the function stays live-patched. */
static void livepatch_live_setup(void)
{
	trampolines_call_the_list();
	klp_patch_func((unsigned long)patched_fn, (unsigned long)patched_fn_new);
	trace(&tracer_ops, patched_fn);
}

static int livepatch_live_ok(void)
{
	return no_entry_was_traced_twice() && !atomic_read(&report.old_bodies);
}

const struct scenario scenario_livepatch_live = {
	.setup = livepatch_live_setup,
	.run = call_patched_fn,
	.ok = livepatch_live_ok,
	.patch = enable_tracer,
};

/*
 * two-sites: many records in each pass, and breakpoints that several CPUs run into at once. The patcher
 * takes part: under its own breakpoints it calls the second function.
 */
static void two_sites_setup(void)
{
	trampolines_call_the_list();
	trace(&tracer_ops, traced_fn);
	trace(&tracer_ops, traced_second_fn);
	trace(&tracer_ops, traced_softirq);
	trace(&tracer_ops, traced_irq);
	trace(&tracer_ops, traced_nmi);
	trace(&tracer_ops, traced_mce);
	ftrace_window = caller_of_second_fn;
}

const struct scenario scenario_two_sites = {
	.setup = two_sites_setup,
	.run = call_fn,
	.ok = no_entry_was_traced_twice,
	.patch = enable_tracer,
	.help = call_second_fn,
	.irq = traced_irq,
	.softirq = traced_softirq,
	.nmi = traced_nmi,
	.mce = traced_mce,
};
