/*
 * The sites of the image, and the one decision about each: what should its five bytes call, and what do
 * they call now? Everything that rewrites text asks here.
 */
#include "ftrace.h"
#include "processor.h"
#include "text_patching.h"

/* From the objects' relocations against __fentry__, collected and sorted by build.py. */
extern const unsigned long __start_mcount_loc[], __stop_mcount_loc[];

static struct dyn_ftrace ftrace_records[FTRACE_MAX_RECORDS];
struct ftrace_page ftrace_pages = { .records = ftrace_records };

/*
 * The compiler made every site a call to __fentry__. Before any other CPU runs and before anyone traces,
 * each becomes a nop: without a breakpoint, since nobody can be executing it.
 */
void ftrace_init(void)
{
	const unsigned long *ip;

	for (ip = __start_mcount_loc; ip < __stop_mcount_loc; ip++) {
		text_poke_early(*ip, NOP5);
		ftrace_records[ftrace_pages.index++].ip = *ip;
	}
	sync_core();
}

/* The record whose site begins at ip, or NULL: the trap handler's question. */
noinline struct dyn_ftrace *ftrace_location(unsigned long ip)
{
	struct dyn_ftrace *low = ftrace_pages.records, *high = low + ftrace_pages.index;

	while (low < high) {
		struct dyn_ftrace *middle = low + (unsigned long)(high - low) / 2;

		if (middle->ip == ip)
			return middle;
		if (middle->ip < ip)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* An ops comes (inc = 1) or goes: count it at each of its sites. */
void ftrace_hash_rec_update(struct ftrace_ops *ops, int inc)
{
	int i;

	for (i = 0; i < ops->filter_hash.count; i++) {
		struct dyn_ftrace *rec = ftrace_location(ops->filter_hash.ips[i]);
		struct ftrace_ops *other;

		rec->flags += inc ? 1 : -1UL;
		rec->flags &= ~(FTRACE_FL_REGS | FTRACE_FL_TRAMP);
		for (other = ftrace_ops_list; other; other = other->next) {
			if (!ftrace_lookup_ip(&other->filter_hash, rec->ip))
				continue;
			if (other->flags & FTRACE_OPS_FL_SAVE_REGS)
				rec->flags |= FTRACE_FL_REGS;
			/* A trampoline calls one ops and no other, so a second ops takes it away. */
			if (other->trampoline && (rec->flags & FTRACE_REF_MASK) == 1)
				rec->flags |= FTRACE_FL_TRAMP;
		}
	}
}

static unsigned long ftrace_find_trampoline(struct dyn_ftrace *rec)
{
	struct ftrace_ops *op;

	for (op = ftrace_ops_list; op; op = op->next)
		if (op->trampoline && ftrace_lookup_ip(&op->filter_hash, rec->ip))
			return op->trampoline;
	return 0;
}

/* What the site's call goes to now. */
unsigned long ftrace_get_addr_curr(struct dyn_ftrace *rec)
{
	if (rec->flags & FTRACE_FL_TRAMP_EN)
		return ftrace_find_trampoline(rec);
	return (unsigned long)(rec->flags & FTRACE_FL_REGS_EN ? ftrace_regs_caller : ftrace_caller);
}

/* What it should go to. */
unsigned long ftrace_get_addr_new(struct dyn_ftrace *rec)
{
	if (rec->flags & FTRACE_FL_TRAMP)
		return ftrace_find_trampoline(rec);
	return (unsigned long)(rec->flags & FTRACE_FL_REGS ? ftrace_regs_caller : ftrace_caller);
}

noinline enum ftrace_update ftrace_test_record(struct dyn_ftrace *rec, int enable)
{
	int wanted = enable && (rec->flags & FTRACE_REF_MASK);

	if (!(rec->flags & FTRACE_FL_ENABLED))
		return wanted ? FTRACE_UPDATE_MAKE_CALL : FTRACE_UPDATE_IGNORE;
	if (!wanted)
		return FTRACE_UPDATE_MAKE_NOP;
	if (ftrace_get_addr_curr(rec) == ftrace_get_addr_new(rec))
		return FTRACE_UPDATE_IGNORE;
	return FTRACE_UPDATE_MODIFY_CALL;
}

/* The site's first byte is about to be the new one: from here on "new" is "current". */
void ftrace_update_record(struct dyn_ftrace *rec, int enable)
{
	rec->flags &= ~(FTRACE_FL_ENABLED | FTRACE_FL_REGS_EN | FTRACE_FL_TRAMP_EN);
	if (!enable || !(rec->flags & FTRACE_REF_MASK))
		return;
	rec->flags |= FTRACE_FL_ENABLED;
	if (rec->flags & FTRACE_FL_REGS)
		rec->flags |= FTRACE_FL_REGS_EN;
	if (rec->flags & FTRACE_FL_TRAMP)
		rec->flags |= FTRACE_FL_TRAMP_EN;
}
