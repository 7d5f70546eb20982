/*
 * preempt-migrate and fork: what happens to a pending call when its task is moved to another CPU, and
 * when it is copied.
 */
#include "report.h"
#include "scenario.h"
#include "sched.h"
#include "tracers.h"
#include "workload.h"

static void tasks_setup(void)
{
	trampolines_call_the_list();
	trace(&tracer_ops, traced_fn);
	if (variant(VARIANT_traced_preempt))
		trace(&tracer_ops, traced_preempt);
	trace_the_same(&regs_ops, &tracer_ops);
	register_ftrace_function(&tracer_ops);
	__register_ftrace_function(&regs_ops);
}

/*
 * As a load balancer would decide: the task shall go on elsewhere. The CPU notices at the next point where
 * preemption is possible; that is retint_kernel of the next trap, with the call still to be emulated.
 */
static void migrate_current(void)
{
	if (current == &idle_tasks[smp_processor_id()])
		return;
	current->cpu = 1;
	set_tsk_need_resched(current);
}

static void call_while_migrating(void)
{
	migrate_current();
	caller_fn();
}

static void preempt_migrate_setup(void)
{
	tasks_setup();
	ftrace_window = call_while_migrating;
}

const struct scenario scenario_preempt_migrate = {
	.setup = preempt_migrate_setup,
	.run = patch_sites,
	.ok = each_entry_was_traced,
	.irq = migrate_current,
};

static struct task_struct child, phantom;
static const char child_comm[TASK_COMM_LEN] = "child", phantom_comm[TASK_COMM_LEN] = "phantom";

/* A new task, and in the end one more entry; whatever it inherited must not be in its way. */
static void child_main(void)
{
	caller_fn();
}

/* In process context, with nothing pending: the copy starts with depth 0. The parent then lets it run. */
static void call_and_fork(void)
{
	caller_fn();
	copy_process(&child, child_comm, child_main);
	schedule();
}

/*
 * What the kernel never does: fork from an interrupt. If it comes between a trap and the stub, the copy has
 * a slot taken that nobody will ever give back.
 */
static void fork_from_irq(void)
{
	if (!phantom.stack)
		copy_process(&phantom, phantom_comm, child_main);
}

static void fork_setup(void)
{
	tasks_setup();
	ftrace_window = call_and_fork;
}

static int fork_ok(void)
{
	return each_entry_was_traced() && !child.thread_info.ftrace_int3_stack.depth &&
	       !phantom.thread_info.ftrace_int3_stack.depth;
}

const struct scenario scenario_fork = {
	.setup = fork_setup,
	.run = patch_sites,
	.ok = fork_ok,
	.irq = fork_from_irq,
};
