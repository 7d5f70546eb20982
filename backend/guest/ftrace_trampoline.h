#ifndef GUEST_FTRACE_TRAMPOLINE_H
#define GUEST_FTRACE_TRAMPOLINE_H

#include "asm-offsets.h"
#include "linkage.h"
#include "segment.h"

/*
 * On entry  0(%rsp) is the return address into the traced function, five bytes behind the call, and
 * 8(%rsp)  is the traced function's own return address, which is what a fops calls parent_ip.
 */

/* Make a pt_regs, save what C may clobber in it; RDI = ip of the call, RSI = parent_ip. */
.macro SAVE_CLOBBERED extra
	sub	$PT_REGS_SIZE, %rsp
	.cfi_adjust_cfa_offset PT_REGS_SIZE
	mov	%rax, RAX(%rsp)
	mov	%rcx, RCX(%rsp)
	mov	%rdx, RDX(%rsp)
	mov	%rsi, RSI(%rsp)
	mov	%rdi, RDI(%rsp)
	mov	%r8, R8(%rsp)
	mov	%r9, R9(%rsp)
	mov	%rbp, RBP(%rsp)
	.cfi_rel_offset %rbp, RBP
	mov	PT_REGS_SIZE+8+\extra(%rsp), %rsi
	mov	PT_REGS_SIZE+\extra(%rsp), %rdi
	mov	%rdi, RIP(%rsp)
	sub	$5, %rdi
.endm

.macro RESTORE_CLOBBERED
	mov	R9(%rsp), %r9
	mov	R8(%rsp), %r8
	mov	RDI(%rsp), %rdi
	mov	RSI(%rsp), %rsi
	mov	RDX(%rsp), %rdx
	mov	RCX(%rsp), %rcx
	mov	RAX(%rsp), %rax
	mov	RBP(%rsp), %rbp
	.cfi_same_value %rbp
	add	$PT_REGS_SIZE, %rsp
	.cfi_adjust_cfa_offset -PT_REGS_SIZE
.endm

.macro FTRACE_TRAMPOLINE name call_label op
FUNC(\name)
	SAVE_CLOBBERED extra=0
	mov	\op(%rip), %rdx
	xor	%ecx, %ecx			/* no regs for this kind of fops */
LABEL(\call_label)
	call	ftrace_stub			/* patched: a site of its own */
	RESTORE_CLOBBERED
	ret
END(\name)
.endm

.macro FTRACE_REGS_TRAMPOLINE name call_label op
FUNC(\name)
	pushfq
	.cfi_adjust_cfa_offset 8
	SAVE_CLOBBERED extra=8
	mov	\op(%rip), %rdx

	mov	%r15, R15(%rsp)
	mov	%r14, R14(%rsp)
	mov	%r13, R13(%rsp)
	mov	%r12, R12(%rsp)
	mov	%r11, R11(%rsp)
	mov	%r10, R10(%rsp)
	mov	%rbx, RBX(%rsp)
	mov	PT_REGS_SIZE(%rsp), %rcx	/* the flags pushed above */
	mov	%rcx, EFLAGS(%rsp)
	movq	$__KERNEL_DS, SS(%rsp)
	movq	$__KERNEL_CS, CS(%rsp)
	lea	PT_REGS_SIZE+2*8(%rsp), %rcx	/* RSP as it was before the call instruction */
	mov	%rcx, RSP(%rsp)
	mov	%rsp, %rcx			/* regs */
LABEL(\call_label)
	call	ftrace_stub			/* patched: a site of its own */

	/* A fops may have changed regs->flags, and regs->ip: that is where the ret below goes. */
	mov	EFLAGS(%rsp), %rax
	mov	%rax, PT_REGS_SIZE(%rsp)
	mov	RIP(%rsp), %rax
	mov	%rax, PT_REGS_SIZE+8(%rsp)

	mov	R15(%rsp), %r15
	mov	R14(%rsp), %r14
	mov	R13(%rsp), %r13
	mov	R12(%rsp), %r12
	mov	R11(%rsp), %r11			/* v5.0 does not: nobody has anything in it here */
	mov	R10(%rsp), %r10
	mov	RBX(%rsp), %rbx
	RESTORE_CLOBBERED
	popfq
	.cfi_adjust_cfa_offset -8
	ret
END(\name)
.endm

#endif
