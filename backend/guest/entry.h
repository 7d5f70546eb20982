#ifndef GUEST_ENTRY_H
#define GUEST_ENTRY_H

#include "linkage.h"
#include "segment.h"

/* Assembly macros that build and take down struct pt_regs; entry.S and nmi.S use them. */

.macro PUSH_REGS
	cld			/* C expects DF = 0; iretq brings the old one back */
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
.endm

.macro POP_REGS
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rax
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
.endm

/*
 * An exception: void do_sym(struct pt_regs *regs, long error_code). Where the CPU pushed an error code
 * it lies in orig_ax's place already.
 */
.macro idtentry sym do_sym has_error_code:req create_gap=0 exit=error_exit
FUNC(\sym)
	.if !\has_error_code
	pushq	$-1
	.endif

	.if \create_gap
	/* Copy orig_ax and the frame; the originals become room for a push onto the interrupted stack. */
	.rept	6
	pushq	5*8(%rsp)
	.endr
	.endif

	PUSH_REGS
	mov	%rsp, %rdi
	.if \has_error_code
	mov	ORIG_RAX(%rsp), %rsi
	movq	$-1, ORIG_RAX(%rsp)
	.else
	xor	%esi, %esi
	.endif
	call	\do_sym
	jmp	\exit
END(\sym)
.endm

/* An interrupt through the local APIC: void do_sym(struct pt_regs *regs). */
.macro apicinterrupt vector sym do_sym
FUNC(\sym)
	pushq	$~\vector
	PUSH_REGS
	mov	%rsp, %rdi
	call	\do_sym
	jmp	ret_from_intr
END(\sym)
.endm

#endif
