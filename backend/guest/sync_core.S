/*
 * void sync_core(void);
 *
 * A return from interrupt to the next instruction: IRET is serialising, so whatever this CPU had fetched
 * or decoded ahead is dropped and read anew. It also ends NMI blocking, as every IRET does.
 */
#include "linkage.h"
#include "segment.h"

	.text
FUNC(sync_core)
	mov	%rsp, %rax
	mov	%ss, %ecx		/* null inside an NMI: the CPU nulls SS when it switches stacks */
	push	%rcx
	.cfi_adjust_cfa_offset 8
	push	%rax
	.cfi_adjust_cfa_offset 8
	pushfq
	.cfi_adjust_cfa_offset 8
	pushq	$__KERNEL_CS
	.cfi_adjust_cfa_offset 8
	pushq	$.Lsynced
	.cfi_adjust_cfa_offset 8
	iretq
	.cfi_adjust_cfa_offset -5*8
.Lsynced:
	ret
END(sync_core)
