/*
 * void ftrace_int3_stub_*(void);
 *
 * Other stubs, chosen by a variant: one that goes to a target that passes no registers, two that lower
 * depth too early, and two that leave the flags as a real call would.
 */
#include "int3_stub.h"

	.text
/* caller-not-regs: ftrace_caller has no regs to give, so a fops that needs them is not called. */
INT3_STUB ftrace_int3_stub_caller	target=ftrace_caller

/*
 * lower-first: between the two accesses the slot counts as free. An interrupt that comes there and traps
 * puts its own return address into it.
 */
.macro LOWER_FIRST_STUB name target
FUNC(\name)
	CFI_CALL_AHEAD \target
	sub	$8, %rsp
	.cfi_adjust_cfa_offset 8
	PUSH	%rax
	PUSH	%rcx
	PUSH	%rdx
	mov	%gs:current_task, %rax
	mov	TASK_TI_ftrace_int3_depth(%rax), %ecx
	dec	%ecx
	mov	%ecx, TASK_TI_ftrace_int3_depth(%rax)
	mov	TASK_TI_ftrace_int3_slots(%rax,%rcx,8), %rdx
	mov	%rdx, 3*8(%rsp)
	CFI_CALL_MADE
	POP	%rdx
	POP	%rcx
	POP	%rax
	jmp	\target
END(\name)
.endm

LOWER_FIRST_STUB ftrace_int3_stub_regs_caller_lower_first target=ftrace_regs_caller
LOWER_FIRST_STUB ftrace_int3_stub_list_func_lower_first   target=ftrace_ops_list_func

/* flags-exact: lea computes without touching a flag. */
.macro FLAGS_EXACT_STUB name target
FUNC(\name)
	CFI_CALL_AHEAD \target
	lea	-8(%rsp), %rsp
	.cfi_adjust_cfa_offset 8
	PUSH	%rax
	PUSH	%rcx
	PUSH	%rdx
	mov	%gs:current_task, %rax
	mov	TASK_TI_ftrace_int3_depth(%rax), %ecx
	lea	-1(%rcx), %ecx
	mov	TASK_TI_ftrace_int3_slots(%rax,%rcx,8), %rdx
	mov	%ecx, TASK_TI_ftrace_int3_depth(%rax)
	mov	%rdx, 3*8(%rsp)
	CFI_CALL_MADE
	POP	%rdx
	POP	%rcx
	POP	%rax
	jmp	\target
END(\name)
.endm

FLAGS_EXACT_STUB ftrace_int3_stub_regs_caller_flags_exact target=ftrace_regs_caller
FLAGS_EXACT_STUB ftrace_int3_stub_list_func_flags_exact	  target=ftrace_ops_list_func
