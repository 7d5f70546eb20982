/*
 * The exceptions. Only int3 is ever expected, and only while ftrace rewrites code; the others end the run.
 */
#include "ftrace.h"
#include "report.h"
#include "segment.h"
#include "traps.h"

/*
 * The question to ftrace comes first, before anything that might be traced itself: a breakpoint in here
 * would bring us here again. Reading modifying_ftrace_code is safe without a barrier: its increment came
 * before the store of the int3 that we have just executed.
 *
 * The kernel would go on to ask kprobes, which looks at the text once more and forgives an int3 that has
 * gone in the meantime. There are none here (CONFIG_KPROBES=n), so an int3 that comes late is fatal.
 */
void do_int3(struct pt_regs *regs, long error_code)
{
	if (atomic_read(&modifying_ftrace_code) && ftrace_int3_handler(regs))
		return;
	die(X86_TRAP_BP, regs, error_code);
}

void do_invalid_op(struct pt_regs *regs, long error_code)
{
	die(X86_TRAP_UD, regs, error_code);
}

void do_general_protection(struct pt_regs *regs, long error_code)
{
	die(X86_TRAP_GP, regs, error_code);
}

void do_page_fault(struct pt_regs *regs, long error_code)
{
	die(X86_TRAP_PF, regs, error_code);
}

void do_double_fault(struct pt_regs *regs, long error_code)
{
	die(X86_TRAP_DF, regs, error_code);
}
