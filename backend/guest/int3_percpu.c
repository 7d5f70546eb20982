/*
 * Design "percpu", which the seed patch argues against: the same stack, but the CPU's and not the task's.
 * Between this handler's return and the stub the task may be moved to another CPU, and pops there.
 */
#include "ftrace_int3.h"
#include "percpu.h"
#include "report.h"
#include "thread_info.h"

DEFINE_PER_CPU(struct ftrace_int3_stack, ftrace_int3_percpu_stack);

noinline int int3_percpu_emulate(struct pt_regs *regs, unsigned long ip, enum int3_site site)
{
	struct ftrace_int3_stack *stack = this_cpu_ptr(ftrace_int3_percpu_stack);
	unsigned long return_address = ip + MCOUNT_INSN_SIZE;
	int slot = stack->depth;

	if (slot >= (int)ARRAY_SIZE(stack->slots)) {
		int3_stack_full();
		regs->ip = return_address;
		return 1;
	}
	WRITE_ONCE(stack->depth, slot + 1);
	WRITE_ONCE(stack->slots[slot], return_address);

	regs->ip = (unsigned long)(site == INT3_SITE_FUNCTION ? ftrace_int3_stub_percpu_regs_caller :
								ftrace_int3_stub_percpu_list_func);
	atomic_inc(&report.emulations);
	return 1;
}
