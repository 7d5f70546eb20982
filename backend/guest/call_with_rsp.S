/*
 * void call_with_rsp(void (*fn)(void), unsigned long odd);
 *
 * Calls fn such that at its first instruction RSP % 16 is 0, or 8 if odd. Compiled code has either, by
 * accident: the kernel keeps its stacks aligned to 8 bytes only.
 */
#include "linkage.h"

	.text
FUNC(call_with_rsp)
	PUSH	%rbp
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	and	$-16, %rsp
	shl	$3, %rsi
	sub	$8, %rsp
	sub	%rsi, %rsp
	call	*%rdi			/* pushes 8 bytes */
	mov	%rbp, %rsp
	.cfi_def_cfa_register %rsp
	POP	%rbp
	ret
END(call_with_rsp)
