/*
 * Rewriting live call sites. A five-byte instruction cannot be replaced in one store, so other CPUs are
 * kept off it by a breakpoint: int3 over the first byte, sync, the four bytes behind it, sync, the first
 * byte, sync. Three passes over all sites, because a sync is what costs.
 */
#include "ftrace.h"
#include "boot_params.h"
#include "report.h"
#include "smp.h"
#include "text_patching.h"

/* Nonzero tells do_int3() to ask ftrace_int3_handler() first. */
atomic_t modifying_ftrace_code;

/* The call inside a trampoline that is being changed, and what it will call. */
unsigned long ftrace_update_func, ftrace_update_func_call;

/* On one CPU there is nobody to run into the breakpoint: a scenario acts here as if it were another. */
void (*ftrace_window)(void);

/* What the record says is there, and what shall be there. */
static inline struct insn old_insn(struct dyn_ftrace *rec, enum ftrace_update update)
{
	return update == FTRACE_UPDATE_MAKE_CALL ? NOP5 : call_insn(rec->ip, ftrace_get_addr_curr(rec));
}

static inline struct insn new_insn(struct dyn_ftrace *rec, enum ftrace_update update)
{
	return update == FTRACE_UPDATE_MAKE_NOP ? NOP5 : call_insn(rec->ip, ftrace_get_addr_new(rec));
}

/* Refuses (-EINVAL) if the bytes are not what ftrace left there: someone else writes text. */
static noinline int add_breakpoints(struct dyn_ftrace *rec, int enable)
{
	const struct insn *text = (const struct insn *)rec->ip;
	enum ftrace_update update = ftrace_test_record(rec, enable);
	struct insn old;

	if (update == FTRACE_UPDATE_IGNORE)
		return 0;
	old = old_insn(rec, update);
	if (text->opcode != old.opcode || text->tail != old.tail)
		return -EINVAL;
	if (!variant(VARIANT_no_int3))
		text_poke_opcode(rec->ip, INT3_INSN_OPCODE);
	return 0;
}

static noinline void add_update(struct dyn_ftrace *rec, int enable)
{
	enum ftrace_update update = ftrace_test_record(rec, enable);

	if (update != FTRACE_UPDATE_IGNORE)
		text_poke_tail(rec->ip, new_insn(rec, update).tail);
}

static noinline void finish_update(struct dyn_ftrace *rec, int enable)
{
	enum ftrace_update update = ftrace_test_record(rec, enable);
	u8 opcode;

	if (update == FTRACE_UPDATE_IGNORE)
		return;
	opcode = new_insn(rec, update).opcode;
	ftrace_update_record(rec, enable);
	text_poke_opcode(rec->ip, opcode);
}

/* Undoes the first pass: only first bytes were touched, and the record still says what was there. */
static noinline void remove_breakpoint(struct dyn_ftrace *rec, int enable)
{
	if (*(const u8 *)rec->ip == INT3_INSN_OPCODE)
		text_poke_opcode(rec->ip, old_insn(rec, ftrace_test_record(rec, enable)).opcode);
}

static noinline int ftrace_replace_code(int enable)
{
	for_each_ftrace_rec(rec) {
		if (add_breakpoints(rec, enable)) {
			ftrace_bug(rec->ip);
			goto remove_breakpoints;
		}
	}
	if (!variant(VARIANT_no_sync_1))
		run_sync();

	if (ftrace_window)
		ftrace_window();

	for_each_ftrace_rec(rec)
		add_update(rec, enable);
	if (!variant(VARIANT_no_sync_2))
		run_sync();

	for_each_ftrace_rec(rec)
		finish_update(rec, enable);
	if (variant(VARIANT_early_done))
		atomic_dec(&modifying_ftrace_code);
	if (!variant(VARIANT_no_sync_3))
		run_sync();
	return 0;

remove_breakpoints:
	for_each_ftrace_rec(rec)
		remove_breakpoint(rec, enable);
	run_sync();
	return -EINVAL;
}

/* The same for the call inside a trampoline. It has no record; what it called before does not matter. */
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
