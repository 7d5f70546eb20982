/*
 * void pvh_start(void);          32-bit protected mode, paging off: where a loader of PVH kernels jumps
 *
 * For machines that start there (QEMU -kernel): does what an emulator's host does, brings each CPU into
 * long mode and to startup_64. Nothing after that knows the difference. Physical = linked - START_KERNEL_MAP.
 */
#include "asm-offsets.h"
#include "linkage.h"
#include "segment.h"

#define START_KERNEL_MAP 0xffffffff80000000
#define PA(symbol) (symbol - START_KERNEL_MAP)

#define BOOT_CS32	 0x08
#define CR0_PG_WP_NE_ET_PE 0x80010031	/* WP: text stays read-only for the kernel itself */
#define CR4_MCE_PAE	 0x60
#define MSR_EFER	 0xc0000080
#define EFER_NXE_LME	 0x900
#define APIC_ID_REGISTER 0xfee00020

	/* The note by which the loader finds pvh_start: type 18, owner "Xen", a physical address. */
	.section .note.Xen, "a", @note
	.balign 4
	.long	4, 4, 18
	.asciz	"Xen"
	.long	PA(pvh_start)

	.text
	.code32
FUNC(pvh_start)
	cli
	xor	%edi, %edi			/* CPU 0 */
	jmp	enter_long_mode
END(pvh_start)

/* The other CPUs come here from ap_start.S. The APIC id is the CPU's number. */
FUNC(secondary_startup_32)
	mov	$__KERNEL_DS, %eax
	mov	%eax, %ds
	mov	%eax, %ss
	mov	APIC_ID_REGISTER, %edi
	shr	$24, %edi
	/* fall through */
END(secondary_startup_32)

enter_long_mode:
	mov	$CR4_MCE_PAE, %eax
	mov	%eax, %cr4
	mov	$PA(boot_top_pgt), %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	mov	$EFER_NXE_LME, %eax
	xor	%edx, %edx
	wrmsr
	mov	$CR0_PG_WP_NE_ET_PE, %eax
	mov	%eax, %cr0
	lgdt	PA(boot_gdt_descr)
	ljmp	$__KERNEL_CS, $PA(.Llong_mode)

	.code64
.Llong_mode:
	mov	$.Llinked_address, %rax
	jmp	*%rax
.Llinked_address:
	cmp	boot_params+BOOT_PARAMS_cpus, %edi
	jae	.Lno_such_cpu
	mov	$__KERNEL_DS, %eax
	mov	%eax, %ds
	mov	%eax, %ss
	test	%edi, %edi
	jnz	.Ltables_ready
	mov	$idle_stacks+THREAD_SIZE, %rsp
	call	pvh_main
	xor	%edi, %edi
.Ltables_ready:
	mov	$PA(init_top_pgt), %eax
	mov	%rax, %cr3

	/* As the contract says: the number in RDI, nothing in any other register. */
	mov	%edi, %edi
	xor	%eax, %eax
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%ebx, %ebx
	xor	%ebp, %ebp
	xor	%esi, %esi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d
	mov	$idle_stacks+THREAD_SIZE, %rsp
	pushq	$2
	popfq
	mov	$0, %esp
	jmp	startup_64

.Lno_such_cpu:
	hlt
	jmp	.Lno_such_cpu

	.data
	.balign 16
	.globl	boot_gdt
boot_gdt:
	.quad	0
	.quad	0x00cf9b000000ffff		/* BOOT_CS32: flat 32-bit code, for ap_start.S */
	.quad	0x00af9b000000ffff		/* __KERNEL_CS */
	.quad	0x00cf93000000ffff		/* __KERNEL_DS */
boot_gdt_end:
boot_gdt_descr:
	.word	boot_gdt_end - boot_gdt - 1
	.long	PA(boot_gdt)

/*
 * The first page tables map 32 MiB three times, at 0, at START_KERNEL_MAP and at PAGE_OFFSET, and the
 * local APIC. pvh_main() builds the real ones, with permissions.
 */
#define PRESENT_RW	0x3
#define PRESENT_RW_PSE	0x83
#define PRESENT_RW_UC_PSE 0x9b

	.section .data..page_tables, "aw"
	.balign 4096
boot_top_pgt:
	.quad	PA(boot_pud) + PRESENT_RW
	.fill	272, 8, 0
	.quad	PA(boot_pud) + PRESENT_RW	/* 273: PAGE_OFFSET */
	.fill	237, 8, 0
	.quad	PA(boot_pud) + PRESENT_RW	/* 511 */
boot_pud:
	.quad	PA(boot_pmd) + PRESENT_RW
	.fill	2, 8, 0
	.quad	PA(boot_pmd_apic) + PRESENT_RW	/* 3: 0xc0000000 */
	.fill	506, 8, 0
	.quad	PA(boot_pmd) + PRESENT_RW	/* 510: START_KERNEL_MAP */
	.quad	0
boot_pmd:
	.set	frame, 0
	.rept	16
	.quad	frame + PRESENT_RW_PSE
	.set	frame, frame + 0x200000
	.endr
	.fill	496, 8, 0
boot_pmd_apic:
	.fill	503, 8, 0
	.quad	0xfee00000 + PRESENT_RW_UC_PSE
	.fill	8, 8, 0
