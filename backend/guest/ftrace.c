/*
 * Adding or removing an ops: the list (fops.c) knows it, its sites' records count it
 * (ftrace_records.c), and then the text has to follow (ftrace_modify.c).
 */
#include "ftrace.h"

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
