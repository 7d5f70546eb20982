#ifndef GUEST_BOOT_PARAMS_H
#define GUEST_BOOT_PARAMS_H

#include "segment.h"
#include "types.h"

/*
 * What the host writes into memory before the first instruction. The host finds the numbers by name in
 * this file's debug information, so the enumerators are part of the contract (README.md): a dash in a
 * name on the command line is an underscore here.
 */

#define BOOT_PARAMS_MAGIC 0x50415254 /* "TRAP" */

enum scenario_id {
	SCENARIO_first_call,
	SCENARIO_livepatch_window,
	SCENARIO_livepatch_live,
	SCENARIO_patch_live,
	SCENARIO_disable_live,
	SCENARIO_four_contexts,
	SCENARIO_fifth,
	SCENARIO_nmi_in_handler,
	SCENARIO_irq_in_stub,
	SCENARIO_nmi_in_nmi,
	SCENARIO_preempt_migrate,
	SCENARIO_fork,
	SCENARIO_trampoline_site,
	SCENARIO_stack_room,
	SCENARIO_torn,
	SCENARIO_late_handler,
	SCENARIO_two_sites,
	NR_SCENARIOS,
};

/* How ftrace_int3_handler() resolves the trap. */
enum design_id {
	DESIGN_skip,	/* v5.0: step over the instruction as if it were a nop */
	DESIGN_thread,	/* the seed patch: a small stack in thread_info, and a stub */
	DESIGN_percpu,	/* the same stack, but one per CPU: what the patch argues against */
	DESIGN_gap,	/* v5.2: push onto the interrupted stack, into a gap left by the entry code */
	NR_DESIGNS,
};

/* Bit numbers in boot_params.variants: deliberate mistakes and documented alternatives. */
enum variant_bit {
	VARIANT_slot_first,	 /* the push writes the slot before it raises depth */
	VARIANT_lower_first,	 /* the pop lowers depth before it reads the slot */
	VARIANT_unchecked_depth, /* the push does not look whether a slot is left */
	VARIANT_flags_exact,	 /* the stub computes with lea only and leaves RFLAGS alone */
	VARIANT_no_gap,		 /* push onto the interrupted stack without a gap in the int3 entry */
	VARIANT_rsp_8,		 /* call with RSP % 16 = 8 where the default is 0 */
	VARIANT_no_int3,	 /* patch without the breakpoint */
	VARIANT_no_sync_1,	 /* leave out the sync after the breakpoints ... */
	VARIANT_no_sync_2,	 /* ... the one after the tails ... */
	VARIANT_no_sync_3,	 /* ... the one after the first bytes */
	VARIANT_early_done,	 /* modifying_ftrace_code drops before the last sync */
	VARIANT_caller_not_regs, /* the stub goes to ftrace_caller: a fops that needs regs is not called */
	VARIANT_traced_handler,	 /* the handler calls a traced function */
	VARIANT_traced_preempt,	 /* preempt_schedule_irq() is traced */
	VARIANT_plain_nmi,	 /* the NMI entry has no nesting protocol */
	NR_VARIANTS,
};

struct boot_params {
	u32 magic;
	enum scenario_id scenario;
	enum design_id design;
	u32 variants; /* 1 << enum variant_bit */
	u32 cpus;
	u32 rounds; /* how often the two-CPU scenarios patch there and back; 1 unless a stress test says more */
};

static_assert(sizeof(struct boot_params) == 24, "six 32-bit words, as the host writes them");

extern struct boot_params boot_params;

static inline int variant(enum variant_bit bit)
{
	return boot_params.variants >> bit & 1;
}

#endif
