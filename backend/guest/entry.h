#ifndef GUEST_ENTRY_H
#define GUEST_ENTRY_H

#include "asm-offsets.h"
#include "linkage.h"
#include "segment.h"

/* Assembly macros that build and take down struct pt_regs; entry.S and nmi.S use them. */

/*
 * For debuggers: the five words that the CPU pushed lie \above bytes above RSP, and what they interrupted is
 * who called. 49 is RFLAGS (System V ABI for x86-64, figure 3.36). Not marked as a signal's frame: gdb would
 * hide the handler's name. Its price: a frame that was rewritten to a function's first byte has no name.
 */
.macro CFI_IRET_FRAME above
	.cfi_def_cfa %rsp, \above + 5*8
	.cfi_offset %rip, -5*8
	.cfi_offset 49, -3*8
	.cfi_offset %rsp, -2*8
.endm

/* The same where all of struct pt_regs is there, from RSP on. */
.macro CFI_PT_REGS
	CFI_IRET_FRAME above=ORIG_RAX+8
	.cfi_offset %rdi, RDI-PT_REGS_SIZE
	.cfi_offset %rsi, RSI-PT_REGS_SIZE
	.cfi_offset %rdx, RDX-PT_REGS_SIZE
	.cfi_offset %rcx, RCX-PT_REGS_SIZE
	.cfi_offset %rax, RAX-PT_REGS_SIZE
	.cfi_offset %r8, R8-PT_REGS_SIZE
	.cfi_offset %r9, R9-PT_REGS_SIZE
	.cfi_offset %r10, R10-PT_REGS_SIZE
	.cfi_offset %r11, R11-PT_REGS_SIZE
	.cfi_offset %rbx, RBX-PT_REGS_SIZE
	.cfi_offset %rbp, RBP-PT_REGS_SIZE
	.cfi_offset %r12, R12-PT_REGS_SIZE
	.cfi_offset %r13, R13-PT_REGS_SIZE
	.cfi_offset %r14, R14-PT_REGS_SIZE
	.cfi_offset %r15, R15-PT_REGS_SIZE
.endm

.macro PUSH_REGS
	cld			/* C expects DF = 0; iretq brings the old one back */
	PUSH	%rdi
	PUSH	%rsi
	PUSH	%rdx
	PUSH	%rcx
	PUSH	%rax
	PUSH	%r8
	PUSH	%r9
	PUSH	%r10
	PUSH	%r11
	PUSH	%rbx
	PUSH	%rbp
	PUSH	%r12
	PUSH	%r13
	PUSH	%r14
	PUSH	%r15
.endm

.macro POP_REGS
	POP	%r15
	POP	%r14
	POP	%r13
	POP	%r12
	POP	%rbp
	POP	%rbx
	POP	%r11
	POP	%r10
	POP	%r9
	POP	%r8
	POP	%rax
	POP	%rcx
	POP	%rdx
	POP	%rsi
	POP	%rdi
.endm

/*
 * An exception: void do_sym(struct pt_regs *regs, long error_code). Where the CPU pushed an error code
 * it lies in orig_ax's place already.
 */
.macro idtentry sym do_sym has_error_code:req create_gap=0 exit=error_exit
FUNC(\sym)
	.if \has_error_code
	CFI_IRET_FRAME above=8
	.else
	CFI_IRET_FRAME above=0
	pushq	$-1
	.cfi_adjust_cfa_offset 8
	.endif

	.if \create_gap
	/* Copy orig_ax and the frame; the originals become room for a push onto the interrupted stack. */
	.rept	6
	pushq	5*8(%rsp)
	.cfi_adjust_cfa_offset 8
	.endr
	CFI_IRET_FRAME above=8
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
	CFI_IRET_FRAME above=0
	pushq	$~\vector
	.cfi_adjust_cfa_offset 8
	PUSH_REGS
	mov	%rsp, %rdi
	call	\do_sym
	jmp	ret_from_intr
END(\sym)
.endm

#endif
