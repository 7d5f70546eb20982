/*
 * Stores into text, and making every CPU notice them. Text is mapped read-only where it runs, so a store
 * goes through the other mapping of the same memory: the CPU that made it cannot know that it was code.
 */
#include "text_patching.h"
#include "processor.h"
#include "smp.h"

static inline struct insn *text_ip_addr(unsigned long ip)
{
	return __va(__pa_symbol(ip));
}

noinline void text_poke_opcode(unsigned long ip, u8 opcode)
{
	WRITE_ONCE(text_ip_addr(ip)->opcode, opcode);
}

noinline void text_poke_tail(unsigned long ip, u32 tail)
{
	WRITE_ONCE(text_ip_addr(ip)->tail, tail);
}

/* All of it, for code that no CPU can be running. */
void text_poke_early(unsigned long ip, struct insn insn)
{
	*text_ip_addr(ip) = insn;
}

static void do_sync_core(void *info)
{
	(void)info;
	sync_core();
}

/* Returns when every CPU has dropped what it had fetched of the text as it was before. */
noinline void run_sync(void)
{
	if (num_online_cpus() <= 1) {
		/* The kernel just returns, but it does not run at once what it has written; our scenarios do. */
		sync_core();
		return;
	}
	on_each_cpu(do_sync_core, NULL);
}
