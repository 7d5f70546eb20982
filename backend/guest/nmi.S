/*
 * void nmi(void);
 *
 * An NMI blocks the next one only until an IRET, and an int3 in the handler ends in one. The CPU would
 * then start over at the top of this stack, on the frame that the first NMI still needs. So the first
 * NMI keeps copies of its frame further down, and a second one only arranges that the handler runs again.
 */
#include "asm-offsets.h"
#include "entry.h"

/*
 * The NMI stack from its top, seen from RSP when all of it is laid out. The CPU writes "saved" anew at
 * every NMI; "outer" keeps the first one; iretq finally uses "iret", which a second NMI may redirect.
 */
#define OUTER	  (0 * 8)
#define IRET	  (5 * 8)
#define EXECUTING (10 * 8)	/* 1 while the handler runs */
#define SCRATCH	  (11 * 8)	/* rdx, while this is decided */
#define SAVED	  (12 * 8)
#define FRAME_RIP    (0 * 8)
#define FRAME_CS     (1 * 8)
#define FRAME_RFLAGS (2 * 8)
#define FRAME_RSP    (3 * 8)
#define FRAME_SS     (4 * 8)

	.text
FUNC(nmi)
	CFI_IRET_FRAME above=0
	PUSH	%rdx				/* RSP is at SCRATCH now */

	/* Is the first NMI copying frames? It will run the handler after that: nothing to arrange. */
	cmpq	$repeat_nmi, SAVED+FRAME_RIP-SCRATCH(%rsp)
	jb	.Lnot_copying
	cmpq	$end_repeat_nmi, SAVED+FRAME_RIP-SCRATCH(%rsp)
	jb	.Lnested_out
.Lnot_copying:
	cmpq	$1, EXECUTING-SCRATCH(%rsp)
	je	.Lnested

	/* Not executing any more, but not gone yet: then RSP is on this stack and DF tells that it is us. */
	lea	SAVED+5*8-SCRATCH(%rsp), %rdx
	cmp	%rdx, SAVED+FRAME_RSP-SCRATCH(%rsp)
	ja	.Lfirst
	sub	$IST_SIZE, %rdx
	cmp	%rdx, SAVED+FRAME_RSP-SCRATCH(%rsp)
	jb	.Lfirst
	testl	$X86_EFLAGS_DF, SAVED+FRAME_RFLAGS-SCRATCH(%rsp)
	jz	.Lfirst

.Lnested:
	/* When the first NMI's iretq comes, it shall find itself at repeat_nmi, with RSP as it is there. */
	lea	-SCRATCH(%rsp), %rdx
	movq	$repeat_nmi, IRET+FRAME_RIP-SCRATCH(%rsp)
	movq	$__KERNEL_CS, IRET+FRAME_CS-SCRATCH(%rsp)
	movq	$2, IRET+FRAME_RFLAGS-SCRATCH(%rsp)
	movq	%rdx, IRET+FRAME_RSP-SCRATCH(%rsp)
	movq	$__KERNEL_DS, IRET+FRAME_SS-SCRATCH(%rsp)
.Lnested_out:
	.cfi_remember_state
	POP	%rdx
	iretq
	.cfi_restore_state

.Lfirst:
	mov	(%rsp), %rdx
	.cfi_same_value %rdx
	sub	$SCRATCH-IRET, %rsp		/* the words of the iret frame are written at repeat_nmi */
	.cfi_adjust_cfa_offset SCRATCH-IRET
	.rept	5
	pushq	SAVED+FRAME_SS-IRET(%rsp)	/* outer = saved, word by word: RSP moves along */
	.cfi_adjust_cfa_offset 8
	.endr

	/* NMIs may be unblocked from here on, when an iretq has brought us here. */
LABEL(repeat_nmi)
	CFI_IRET_FRAME above=OUTER
	movq	$1, EXECUTING(%rsp)
	add	$EXECUTING, %rsp
	.cfi_adjust_cfa_offset -EXECUTING
	.rept	5
	pushq	OUTER+FRAME_SS-EXECUTING(%rsp)	/* iret = outer */
	.cfi_adjust_cfa_offset 8
	.endr
	sub	$IRET-OUTER, %rsp
	.cfi_adjust_cfa_offset IRET-OUTER
LABEL(end_repeat_nmi)

	pushq	$-1
	.cfi_adjust_cfa_offset 8
	PUSH_REGS
	mov	%rsp, %rdi
	xor	%esi, %esi
	call	do_nmi
	POP_REGS
	add	$8+IRET-OUTER, %rsp		/* orig_ax, and past the outer frame */
	CFI_IRET_FRAME above=0

	std					/* between the next two instructions, this marks us */
	movq	$0, EXECUTING-IRET(%rsp)
	iretq
END(nmi)
