/*
 * Rewriting live call sites. A five-byte instruction cannot be replaced in one store, so other CPUs are
 * kept off it by a breakpoint: int3 over the first byte, sync, the four bytes behind it, sync, the first
 * byte, sync. Three passes over all sites, because a sync is what costs.
 */
#include "boot_params.h"
#include "ftrace.h"
#include "report.h"
#include "text_patching.h"

/* Nonzero while text is being rewritten: it tells do_int3() to ask ftrace_int3_handler() first. */
atomic_t modifying_ftrace_code;

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

noinline int ftrace_replace_code(int enable)
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
