/*
 * A CPU ran into a breakpoint on a call site. The instruction that stood there, or will stand there, is a
 * call or a nop; what should the CPU do meanwhile? The four designs answer differently.
 */
#include "ftrace_int3.h"
#include "boot_params.h"
#include "report.h"
#include "workload.h"

/*
 * Design "skip", as in v5.0: step over the four bytes behind the int3, as if the site were a nop. Harmless
 * while a site turns from nop to call. Where it was a call before and will be one after, the call is lost.
 */
static int int3_skip_emulate(struct pt_regs *regs, unsigned long ip, enum int3_site site)
{
	(void)site;
	regs->ip = ip + MCOUNT_INSN_SIZE;
	return 1;
}

static int (*const int3_emulate[NR_DESIGNS])(struct pt_regs *, unsigned long, enum int3_site) = {
	[DESIGN_skip] = int3_skip_emulate,
	[DESIGN_thread] = int3_thread_emulate,
	[DESIGN_percpu] = int3_percpu_emulate,
	[DESIGN_gap] = int3_gap_emulate,
};

/* Returns 1 if the breakpoint was ftrace's, with regs changed so that iretq resumes at the right place. */
noinline int ftrace_int3_handler(struct pt_regs *regs)
{
	unsigned long ip = regs->ip - 1; /* int3 is a trap: the saved ip is behind it */
	enum int3_site site;

	if (ftrace_location(ip))
		site = INT3_SITE_FUNCTION;
	else if (ip == ftrace_update_func)
		site = INT3_SITE_TRAMPOLINE;
	else
		return 0;

	atomic_inc(&report.traps);
	if (variant(VARIANT_traced_handler))
		traced_handler();
	return int3_emulate[boot_params.design](regs, ip, site);
}
