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
	push	%rax
	pushfq
	pushq	$__KERNEL_CS
	pushq	$.Lsynced
	iretq
.Lsynced:
	ret
END(sync_core)
