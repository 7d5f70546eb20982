#ifndef GUEST_LIVEPATCH_H
#define GUEST_LIVEPATCH_H

#include "ftrace.h"

/* One function replaced by another. */
struct klp_func {
	unsigned long old_func;
	unsigned long new_func;
	int patched; /* in force: from here on the old body must never run */
};

struct klp_ops {
	struct ftrace_ops fops;
	struct klp_func *func;
};

extern struct klp_ops klp_ops;
extern struct ftrace_ops *klp_trace_op;
extern struct klp_func klp_func;

void klp_ftrace_handler(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *fops, struct pt_regs *regs);
void klp_patch_func(unsigned long old_func, unsigned long new_func);

#endif
