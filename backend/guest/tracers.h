#ifndef GUEST_TRACERS_H
#define GUEST_TRACERS_H

#include "ftrace.h"

extern struct ftrace_ops tracer_ops; /* a function tracer: wants ip and parent_ip */
extern struct ftrace_ops regs_ops;   /* a second one, which wants registers too */

void trace(struct ftrace_ops *ops, void *function);
void trace_the_same(struct ftrace_ops *ops, const struct ftrace_ops *other);
void trampolines_call_the_list(void);
void patch_sites(void);
int each_entry_was_traced(void);
int no_entry_was_traced_twice(void);

#endif
