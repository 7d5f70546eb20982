/*
 * Design "thread", the seed patch: the return address goes to a small stack in the current task's
 * thread_info, and the iret frame's ip to a stub that will take it from there and do the call.
 *
 * The struct, its four slots and the stub's role are the patch's; this function's body and the order of
 * its two stores are reconstructed (README.md, "What was read").
 */
#include "boot_params.h"
#include "ftrace_int3.h"
#include "report.h"
#include "task.h"

static int warned;

/* WARN_ON_ONCE: more contexts are pending than the patch counted. */
void int3_stack_full(void)
{
	if (warned)
		return;
	warned = 1;
	atomic_inc(&report.warnings);
}

/* Other stubs for the variants that are about stubs: int3_stub_variants.S. */
static void (*stub_of_variant(enum int3_site site))(void)
{
	int function = site == INT3_SITE_FUNCTION;

	if (variant(VARIANT_lower_first))
		return function ? ftrace_int3_stub_regs_caller_lower_first : ftrace_int3_stub_list_func_lower_first;
	if (variant(VARIANT_flags_exact))
		return function ? ftrace_int3_stub_regs_caller_flags_exact : ftrace_int3_stub_list_func_flags_exact;
	if (variant(VARIANT_caller_not_regs) && function)
		return ftrace_int3_stub_caller;
	return function ? ftrace_int3_stub_regs_caller : ftrace_int3_stub_list_func;
}

noinline int int3_thread_emulate(struct pt_regs *regs, unsigned long ip, enum int3_site site)
{
	struct ftrace_int3_stack *stack = &current_thread_info()->ftrace_int3_stack;
	unsigned long return_address = ip + MCOUNT_INSN_SIZE;
	int slot = stack->depth;
	void (*stub)(void);

	if (slot >= (int)ARRAY_SIZE(stack->slots) && !variant(VARIANT_unchecked_depth)) {
		int3_stack_full();
		regs->ip = return_address; /* no room: this call is lost, as under "skip" */
		return 1;
	}

	/*
	 * An NMI between the two stores may trap as well. It must find depth raised already, or it would
	 * use the same slot; that the slot is still empty does not matter to it.
	 */
	if (!variant(VARIANT_slot_first)) {
		WRITE_ONCE(stack->depth, slot + 1);
		WRITE_ONCE(stack->slots[slot], return_address);
	} else {
		WRITE_ONCE(stack->slots[slot], return_address);
		WRITE_ONCE(stack->depth, slot + 1);
	}

	stub = site == INT3_SITE_FUNCTION ? ftrace_int3_stub_regs_caller : ftrace_int3_stub_list_func;
	if (boot_params.variants)
		stub = stub_of_variant(site);
	regs->ip = (unsigned long)stub;
	atomic_inc(&report.emulations);
	return 1;
}
