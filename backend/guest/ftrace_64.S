/*
 * void ftrace_caller(void);
 * void ftrace_regs_caller(void);
 *
 * What a traced function's first instruction calls, before the function has a frame. They save what a C
 * function may clobber, call  func(ip, parent_ip, op, regs)  and return into the traced function; the
 * second one shows the fops all registers and lets it choose where to return to.
 */
#include "ftrace_trampoline.h"

	.text
/*
 * What the compiler's five bytes call until ftrace_init() has turned them into a nop.
 */
FUNC(__fentry__)
	ret
END(__fentry__)

FTRACE_TRAMPOLINE ftrace_caller call_label=ftrace_call op=function_trace_op

FTRACE_REGS_TRAMPOLINE ftrace_regs_caller call_label=ftrace_regs_call op=function_trace_op

/*
 * The live patch has a trampoline of its own: while it is the only fops on a function, the site calls
 * this and no list is walked. The kernel copies ftrace_regs_caller into fresh memory for that; ours is
 * assembled from the same macro, so that it has a name and source lines.
 */
FTRACE_REGS_TRAMPOLINE klp_trampoline call_label=klp_call op=klp_trace_op

/* The callee of the patchable calls as long as nobody traces. */
FUNC(ftrace_stub)
	ret
END(ftrace_stub)
