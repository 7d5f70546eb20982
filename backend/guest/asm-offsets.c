/*
 * Offsets for assembly, computed by the compiler. This file is only compiled to assembly text; build.py
 * turns each "->" line of it into a #define in the generated asm-offsets.h.
 */
#include "boot_params.h"
#include "ftrace.h"
#include "ptrace.h"
#include "task.h"

#define DEFINE(sym, val) __asm__ volatile("\n.ascii \"->" #sym " %0 " #val "\"" : : "i"(val))
#define BLANK() __asm__ volatile("\n.ascii \"->\"" : :)
#define OFFSET(sym, str, mem) DEFINE(sym, offsetof(struct str, mem))

void common(void);

void common(void)
{
	OFFSET(R15, pt_regs, r15);
	OFFSET(R14, pt_regs, r14);
	OFFSET(R13, pt_regs, r13);
	OFFSET(R12, pt_regs, r12);
	OFFSET(RBP, pt_regs, bp);
	OFFSET(RBX, pt_regs, bx);
	OFFSET(R11, pt_regs, r11);
	OFFSET(R10, pt_regs, r10);
	OFFSET(R9, pt_regs, r9);
	OFFSET(R8, pt_regs, r8);
	OFFSET(RAX, pt_regs, ax);
	OFFSET(RCX, pt_regs, cx);
	OFFSET(RDX, pt_regs, dx);
	OFFSET(RSI, pt_regs, si);
	OFFSET(RDI, pt_regs, di);
	OFFSET(ORIG_RAX, pt_regs, orig_ax);
	OFFSET(RIP, pt_regs, ip);
	OFFSET(CS, pt_regs, cs);
	OFFSET(EFLAGS, pt_regs, flags);
	OFFSET(RSP, pt_regs, sp);
	OFFSET(SS, pt_regs, ss);
	DEFINE(PT_REGS_SIZE, sizeof(struct pt_regs));

	BLANK();
	OFFSET(BOOT_PARAMS_cpus, boot_params, cpus);
	OFFSET(TASK_sp, task_struct, sp);

#ifdef CONFIG_DYNAMIC_FTRACE
	BLANK();
	OFFSET(TASK_TI_ftrace_int3_depth, task_struct, thread_info.ftrace_int3_stack.depth);
	OFFSET(TASK_TI_ftrace_int3_slots, task_struct, thread_info.ftrace_int3_stack.slots);
	OFFSET(INT3_STACK_depth, ftrace_int3_stack, depth);
	OFFSET(INT3_STACK_slots, ftrace_int3_stack, slots);
#endif
}
