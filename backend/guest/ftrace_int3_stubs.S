/*
 * void ftrace_int3_stub_regs_caller(void);
 * void ftrace_int3_stub_list_func(void);
 *
 * Where ftrace_int3_handler() points the iret frame: one stub for a traced function's site, one for the
 * call inside a trampoline. Running in the interrupted context again, the stub does the call that int3
 * stood on: it pushes the return address, taken from the task's stack of them, and jumps to the target.
 */
#include "int3_stub.h"

	.text
INT3_STUB ftrace_int3_stub_regs_caller	target=ftrace_regs_caller
INT3_STUB ftrace_int3_stub_list_func	target=ftrace_ops_list_func
