/*
 * u8 ap_start[], ap_start_end[];        copied to AP_START by pvh_main()
 *
 * A start-up IPI wakes a CPU in 16-bit real mode, at a page below one mebibyte. These instructions are
 * what it finds there: into 32-bit protected mode and on to the image.
 */
#include "linkage.h"

#define START_KERNEL_MAP 0xffffffff80000000
#define BOOT_CS32 0x08

	.section .rodata, "a"
	.code16
	.globl	ap_start, ap_start_end
ap_start:
	cli
	mov	%cs, %ax
	mov	%ax, %ds
	lgdtl	.Lgdt_descr - ap_start
	mov	$0x11, %eax			/* ET, PE */
	mov	%eax, %cr0
	ljmpl	$BOOT_CS32, $(secondary_startup_32 - START_KERNEL_MAP)

.Lgdt_descr:
	.word	4 * 8 - 1
	.long	boot_gdt - START_KERNEL_MAP
ap_start_end:
