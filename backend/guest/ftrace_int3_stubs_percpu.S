/*
 * void ftrace_int3_stub_percpu_regs_caller(void);
 * void ftrace_int3_stub_percpu_list_func(void);
 *
 * The two stubs of design "percpu": as in ftrace_int3_stubs.S, but the stack is that of whichever CPU
 * this code happens to be running on by now.
 */
#include "asm-offsets.h"
#include "linkage.h"

.macro PERCPU_STUB name target
FUNC(\name)
	CFI_CALL_AHEAD \target
	sub	$8, %rsp
	.cfi_adjust_cfa_offset 8
	PUSH	%rcx
	PUSH	%rdx
	movslq	%gs:ftrace_int3_percpu_stack+INT3_STACK_depth, %rcx
	dec	%rcx
	mov	%gs:ftrace_int3_percpu_stack+INT3_STACK_slots(,%rcx,8), %rdx
	mov	%ecx, %gs:ftrace_int3_percpu_stack+INT3_STACK_depth
	mov	%rdx, 2*8(%rsp)
	CFI_CALL_MADE
	POP	%rdx
	POP	%rcx
	jmp	\target
END(\name)
.endm

	.text
PERCPU_STUB ftrace_int3_stub_percpu_regs_caller	target=ftrace_regs_caller
PERCPU_STUB ftrace_int3_stub_percpu_list_func	target=ftrace_ops_list_func
