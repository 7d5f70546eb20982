#ifndef GUEST_SEGMENT_H
#define GUEST_SEGMENT_H

/* Shared by C and assembly: selectors, vectors, interrupt stacks. The numbers are the Linux kernel's. */

#define NR_CPUS 4

#define __KERNEL_CS 0x10
#define __KERNEL_DS 0x18
#define GDT_ENTRY_TSS 8 /* two entries for each CPU from here on */
#define GDT_ENTRIES (GDT_ENTRY_TSS + 2 * NR_CPUS)

#define X86_TRAP_NMI 2
#define X86_TRAP_BP 3
#define X86_TRAP_UD 6
#define X86_TRAP_DF 8
#define X86_TRAP_GP 13
#define X86_TRAP_PF 14
#define X86_TRAP_MC 18
#define LOCAL_TIMER_VECTOR 0xec
#define CALL_FUNCTION_VECTOR 0xfb

/* Gate.ist: 0 stays on the interrupted stack. #BP does since v4.16, which is why a push has no room there. */
#define DOUBLEFAULT_STACK 1
#define NMI_STACK 2
#define MCE_STACK 4

#define MSR_GS_BASE 0xc0000101
#define MSR_IA32_MCG_STATUS 0x17a

#define X86_EFLAGS_IF 0x200
#define X86_EFLAGS_DF 0x400
#define X86_EFLAGS_IF_BIT 9

#define PERCPU_SIZE 512	 /* bytes of one CPU's area; guest.ld checks that the variables fit */
#define THREAD_SIZE 4096 /* bytes of a task's stack */
#define IST_SIZE 2048	 /* bytes of each interrupt stack */

#endif
