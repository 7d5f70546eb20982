/*
 * Who traces what: the list of ops, the function that calls each of them for a site, and what the
 * trampolines should call.
 */
#include "ftrace.h"
#include "preempt.h"
#include "sched.h"

struct ftrace_ops *ftrace_ops_list; /* newest first, NULL at the end */

/* What ftrace_call and ftrace_regs_call should call, and the op that they pass to it. */
ftrace_func_t ftrace_trace_function = ftrace_stub;
struct ftrace_ops *function_trace_op;

void ftrace_set_filter_ip(struct ftrace_ops *ops, unsigned long ip)
{
	ops->filter_hash.ips[ops->filter_hash.count++] = ip;
}

noinline int ftrace_lookup_ip(struct ftrace_hash *hash, unsigned long ip)
{
	int i;

	for (i = 0; i < hash->count; i++)
		if (hash->ips[i] == ip)
			return 1;
	return 0;
}

/*
 * Between an ops' registration and the rewriting of its sites, the sites still call what they called: one
 * that wants registers may then be asked for without any, and must not be called.
 */
static int ftrace_ops_test(struct ftrace_ops *ops, unsigned long ip, struct pt_regs *regs)
{
	if (!regs && ops->flags & FTRACE_OPS_FL_SAVE_REGS)
		return 0;
	return ftrace_lookup_ip(&ops->filter_hash, ip);
}

/*
 * Right for every site at every time: it looks up who wants this ip. That is why trampolines are pointed
 * here while sites change, and why an emulated call may always end here.
 */
noinline void ftrace_ops_list_func(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *op,
				   struct pt_regs *regs)
{
	preempt_disable_notrace();
	for (op = READ_ONCE(ftrace_ops_list); op; op = READ_ONCE(op->next))
		if (ftrace_ops_test(op, ip, regs))
			op->func(ip, parent_ip, op, regs);
	preempt_enable_notrace();
}

/* One ops that may be called directly is; otherwise the list. */
void update_ftrace_function(void)
{
	struct ftrace_ops *op = ftrace_ops_list;

	if (!op)
		ftrace_trace_function = ftrace_stub;
	else if (op->next || op->flags & FTRACE_OPS_FL_DYNAMIC)
		ftrace_trace_function = ftrace_ops_list_func;
	else
		ftrace_trace_function = op->func;
}
