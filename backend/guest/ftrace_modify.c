/*
 * The order of things when tracing changes: first the calls inside the trampolines, then all sites, then
 * the trampolines again.
 */
#include "ftrace.h"
#include "boot_params.h"
#include "smp.h"
#include "text_patching.h"

/* The call inside a trampoline that is being changed, and what it will call. */
unsigned long ftrace_update_func, ftrace_update_func_call;

/*
 * The call inside a trampoline is rewritten like a site (ftrace_replace.c), but it has no record: it is
 * always a call, whatever its target was.
 */
noinline void update_ftrace_func(unsigned long ip, unsigned long new_func)
{
	ftrace_update_func = ip;
	ftrace_update_func_call = new_func;
	smp_wmb(); /* whoever traps finds the address already known */
	atomic_inc(&modifying_ftrace_code);

	text_poke_opcode(ip, INT3_INSN_OPCODE);
	run_sync();
	if (ftrace_window)
		ftrace_window();
	text_poke_tail(ip, call_insn(ip, new_func).tail);
	run_sync();
	text_poke_opcode(ip, CALL_INSN_OPCODE);
	run_sync();

	atomic_dec(&modifying_ftrace_code);
}

void ftrace_update_ftrace_func(ftrace_func_t func)
{
	update_ftrace_func((unsigned long)ftrace_call, (unsigned long)func);
	update_ftrace_func((unsigned long)ftrace_regs_call, (unsigned long)func);
}

static void ftrace_sync_ipi(void *info)
{
	(void)info; /* taking the interrupt is a read barrier: function_trace_op is seen before the new call */
}

/*
 * While sites change, the trampolines call the list: it is right for a site in any state. Only when all
 * sites are done may they call one ops directly again.
 */
noinline int ftrace_modify_all_code(int command)
{
	int update = command & FTRACE_UPDATE_TRACE_FUNC;
	int ret = 0;

	if (update)
		ftrace_update_ftrace_func(ftrace_ops_list_func);
	if (command & FTRACE_UPDATE_CALLS)
		ret = ftrace_replace_code(1);
	else if (command & FTRACE_DISABLE_CALLS)
		ret = ftrace_replace_code(0);
	if (update && ftrace_trace_function != ftrace_ops_list_func) {
		function_trace_op = ftrace_ops_list;
		smp_wmb();
		on_each_cpu(ftrace_sync_ipi, NULL);
		ftrace_update_ftrace_func(ftrace_trace_function);
	}
	return ret;
}

int arch_ftrace_update_code(int command)
{
	int ret;

	atomic_inc(&modifying_ftrace_code);
	ret = ftrace_modify_all_code(command);
	if (!variant(VARIANT_early_done))
		atomic_dec(&modifying_ftrace_code);
	return ret;
}
