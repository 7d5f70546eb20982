/*
 * Who traces what: the list of ops, and the function that calls each of them for a site. Adding or
 * removing an ops ends in rewriting text (ftrace_modify.c).
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

static int ftrace_run_update_code(int command)
{
	ftrace_func_t old = ftrace_trace_function;

	update_ftrace_function();
	if (ftrace_trace_function != old)
		command |= FTRACE_UPDATE_TRACE_FUNC;
	return arch_ftrace_update_code(command);
}

/* All but the text: from here on the list knows the ops, and the records count it. */
void __register_ftrace_function(struct ftrace_ops *ops)
{
	ops->next = ftrace_ops_list;
	smp_wmb(); /* whoever finds the ops in the list finds its next, too */
	WRITE_ONCE(ftrace_ops_list, ops);
	ftrace_hash_rec_update(ops, 1);
}

/* The text: make the sites what the records say. */
int ftrace_startup_enable(void)
{
	return ftrace_run_update_code(FTRACE_UPDATE_CALLS);
}

int register_ftrace_function(struct ftrace_ops *ops)
{
	__register_ftrace_function(ops);
	return ftrace_startup_enable();
}

int unregister_ftrace_function(struct ftrace_ops *ops)
{
	struct ftrace_ops **link = &ftrace_ops_list;

	while (*link != ops)
		link = &(*link)->next;
	WRITE_ONCE(*link, ops->next);
	ftrace_hash_rec_update(ops, 0);
	return ftrace_run_update_code(ftrace_ops_list ? FTRACE_UPDATE_CALLS : FTRACE_DISABLE_CALLS);
}
