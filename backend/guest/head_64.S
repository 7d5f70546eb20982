/*
 * void startup_64(unsigned long cpu);            in RDI, everything else unset
 *
 * Where every CPU begins: in long mode at its linked address, with no descriptor table, no stack and
 * interrupts off. It loads the tables, takes its idle task's stack and its per-CPU area, and goes to C.
 */
#include "linkage.h"
#include "segment.h"

	.text
FUNC(startup_64)
	.cfi_undefined %rip
	lgdt	gdt_descr

	mov	%rdi, %rax
	inc	%rax
	imul	$THREAD_SIZE, %rax, %rax
	lea	idle_stacks(%rax), %rsp		/* the top: stacks grow down */

	/* LGDT alone changes no segment register; CS changes only by a far transfer. */
	pushq	$__KERNEL_CS
	pushq	$.Lreload_cs
	lretq
.Lreload_cs:
	mov	$__KERNEL_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs

	/* After the selector: loading %gs clears the base. */
	imul	$PERCPU_SIZE, %rdi, %rax
	add	$percpu_areas, %rax
	mov	%rax, %rdx
	shr	$32, %rdx
	mov	$MSR_GS_BASE, %ecx
	wrmsr

	call	start_kernel
	ud2					/* it does not return */
END(startup_64)

	.data
	.balign 16
	.globl	gdt
gdt:
	.quad	0
	.quad	0
	.quad	0x00af9b000000ffff		/* __KERNEL_CS: 64-bit code, DPL 0 */
	.quad	0x00cf93000000ffff		/* __KERNEL_DS */
	.fill	GDT_ENTRIES - 4, 8, 0		/* the task state segments: cpu.c */
gdt_end:

gdt_descr:
	.word	gdt_end - gdt - 1
	.quad	gdt
