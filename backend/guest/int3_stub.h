#ifndef GUEST_INT3_STUB_H
#define GUEST_INT3_STUB_H

#include "asm-offsets.h"
#include "linkage.h"

/*
 * Reconstructed: of the stub's patch only a description was read, which says what it does, not how
 * (README.md, "What was read").
 *
 * The slot is read before depth is lowered: in between, an interrupt that traps too must find the slot
 * still taken, or it would put its own return address there. sub and dec change flags where a call
 * would not; nobody may rely on those at a function's entry, but a fops with regs can see it.
 */
.macro INT3_STUB name target
FUNC(\name)
	CFI_CALL_AHEAD \target
	sub	$8, %rsp				/* the return address will be here */
	.cfi_adjust_cfa_offset 8
	PUSH	%rax
	PUSH	%rcx
	PUSH	%rdx
	mov	%gs:current_task, %rax
	mov	TASK_TI_ftrace_int3_depth(%rax), %ecx
	dec	%ecx
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

#endif
