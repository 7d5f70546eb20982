#ifndef GUEST_FTRACE_INT3_H
#define GUEST_FTRACE_INT3_H

#include "ftrace.h"

/* The two kinds of place a breakpoint may stand on. */
enum int3_site {
	INT3_SITE_FUNCTION,   /* a traced function's first instruction: emulate a call to ftrace_regs_caller */
	INT3_SITE_TRAMPOLINE, /* the call inside a trampoline: emulate a call to ftrace_ops_list_func */
};

/* One file each. They return 1: the breakpoint is dealt with, if only by skipping it. */
int int3_thread_emulate(struct pt_regs *regs, unsigned long ip, enum int3_site site);
int int3_percpu_emulate(struct pt_regs *regs, unsigned long ip, enum int3_site site);
int int3_gap_emulate(struct pt_regs *regs, unsigned long ip, enum int3_site site);

void int3_stack_full(void);

/* The stubs: ftrace_int3_stubs.S, int3_stub_variants.S, ftrace_int3_stubs_percpu.S. */
void ftrace_int3_stub_regs_caller(void);
void ftrace_int3_stub_list_func(void);
void ftrace_int3_stub_regs_caller_lower_first(void);
void ftrace_int3_stub_list_func_lower_first(void);
void ftrace_int3_stub_regs_caller_flags_exact(void);
void ftrace_int3_stub_list_func_flags_exact(void);
void ftrace_int3_stub_caller(void);
void ftrace_int3_stub_percpu_regs_caller(void);
void ftrace_int3_stub_percpu_list_func(void);

#endif
