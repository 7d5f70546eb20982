/*
 * Design "gap", as merged in v5.2: the int3 entry has left six words free below the interrupted stack
 * pointer, so the handler itself pushes the return address there and points ip to the target. No stub.
 */
#include "ftrace_int3.h"
#include "report.h"

static void int3_emulate_push(struct pt_regs *regs, unsigned long value)
{
	regs->sp -= sizeof(unsigned long);
	*(unsigned long *)regs->sp = value;
}

static void int3_emulate_call(struct pt_regs *regs, unsigned long func)
{
	int3_emulate_push(regs, regs->ip - 1 + MCOUNT_INSN_SIZE);
	regs->ip = func;
}

noinline int int3_gap_emulate(struct pt_regs *regs, unsigned long ip, enum int3_site site)
{
	(void)ip;
	if (site == INT3_SITE_FUNCTION)
		int3_emulate_call(regs, (unsigned long)ftrace_regs_caller);
	else
		int3_emulate_call(regs, ftrace_update_func_call);
	atomic_inc(&report.emulations);
	return 1;
}
