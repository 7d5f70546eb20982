/*
 * A live patch: an ops that sends every entry of the old function to the new one. It is only as good as
 * the promise that it is called at every entry, also while other tracers come and go.
 */
#include "livepatch.h"

struct klp_func klp_func;
struct klp_ops klp_ops = {
	.fops = {
		.func = klp_ftrace_handler,
		.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_DYNAMIC | FTRACE_OPS_FL_IPMODIFY,
		.trampoline = (unsigned long)klp_trampoline,
	},
	.func = &klp_func,
};

/* What klp_trampoline passes on; the kernel keeps it right behind the trampoline's code. */
struct ftrace_ops *klp_trace_op = &klp_ops.fops;

/* The trampoline returns to regs->ip, so the old body's first instruction is never reached. */
noinline void klp_ftrace_handler(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *fops,
				 struct pt_regs *regs)
{
	struct klp_ops *ops = container_of(fops, struct klp_ops, fops);

	(void)ip;
	(void)parent_ip;
	regs->ip = ops->func->new_func;
}

/* The kernel moves task by task to the new function; here all go at once, before the scenario starts. */
void klp_patch_func(unsigned long old_func, unsigned long new_func)
{
	klp_func.old_func = old_func;
	klp_func.new_func = new_func;
	ftrace_set_filter_ip(&klp_ops.fops, old_func);
	update_ftrace_func((unsigned long)klp_call, (unsigned long)klp_ftrace_handler);
	register_ftrace_function(&klp_ops.fops);
	WRITE_ONCE(klp_func.patched, 1);
}
