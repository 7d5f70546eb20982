/*
 * Two users of tracing. They only count; what they counted is how the guest judges itself.
 */
#include "tracers.h"
#include "report.h"

static noinline void tracer_func(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *op, struct pt_regs *regs)
{
	(void)ip, (void)parent_ip, (void)op, (void)regs;
	atomic_inc(&report.calls);
}

static noinline void regs_func(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *op, struct pt_regs *regs)
{
	(void)parent_ip, (void)op;
	atomic_inc(&report.regs_calls);
	if (regs->ip != ip + MCOUNT_INSN_SIZE)
		atomic_inc(&report.wrong);
}

struct ftrace_ops tracer_ops = { .func = tracer_func };
struct ftrace_ops regs_ops = { .func = regs_func, .flags = FTRACE_OPS_FL_SAVE_REGS };

void trace(struct ftrace_ops *ops, void *function)
{
	ftrace_set_filter_ip(ops, (unsigned long)function);
}

/* Not by assignment: the compiler makes a REP MOVS of that, which emulators count differently. */
void trace_the_same(struct ftrace_ops *ops, const struct ftrace_ops *other)
{
	memcpy(&ops->filter_hash, &other->filter_hash, sizeof(ops->filter_hash));
}

/*
 * An ops whose memory may go away is never called directly. With such ops the trampolines call the list
 * before and after, so that a scenario is about nothing but the sites of traced functions.
 */
void trampolines_call_the_list(void)
{
	tracer_ops.flags |= FTRACE_OPS_FL_DYNAMIC;
	regs_ops.flags |= FTRACE_OPS_FL_DYNAMIC;
	ftrace_trace_function = ftrace_ops_list_func;
	ftrace_update_ftrace_func(ftrace_ops_list_func);
}

/* The scenarios of one CPU have registered their ops already and begin with the rewriting of text. */
void patch_sites(void)
{
	ftrace_startup_enable();
}

static int nothing_spoiled(void)
{
	return !atomic_read(&report.wrong) && !report.bug_ip;
}

/* For sites that are a call before and after: the tracer is owed every entry. */
int each_entry_was_traced(void)
{
	return nothing_spoiled() && atomic_read(&report.calls) == atomic_read(&report.entries);
}

/* For sites that turn from nop to call or back: in between either is right. */
int no_entry_was_traced_twice(void)
{
	return nothing_spoiled() && atomic_read(&report.calls) <= atomic_read(&report.entries);
}
