/*
 * How a run ends. A host that watches memory stops at scenario_end(); on a real machine it goes on and
 * tells the serial line, then the debug-exit port.
 */
#include "report.h"
#include "processor.h"

#define SERIAL_PORT 0x3f8
#define DEBUG_EXIT_PORT 0xf4 /* QEMU's isa-debug-exit: ends with status (value << 1) | 1 */

struct report report = { .magic = REPORT_MAGIC };

static void print(const char *text)
{
	for (; *text; text++)
		outb(SERIAL_PORT, *text);
}

static void print_field(const char *name, u64 value)
{
	char digits[17];
	int i = sizeof(digits) - 1;

	digits[i] = 0;
	do {
		digits[--i] = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value);
	print(name);
	print("=0x");
	print(digits + i);
	print("\n");
}

static void print_report(void)
{
	print_field("verdict", report.verdict);
	print_field("entries", atomic_read(&report.entries));
	print_field("calls", atomic_read(&report.calls));
	print_field("traps", atomic_read(&report.traps));
	print_field("emulations", atomic_read(&report.emulations));
	print_field("warnings", atomic_read(&report.warnings));
	print_field("old_bodies", atomic_read(&report.old_bodies));
	print_field("new_bodies", atomic_read(&report.new_bodies));
	print_field("regs_calls", atomic_read(&report.regs_calls));
	print_field("wrong", atomic_read(&report.wrong));
	print_field("preemptions", atomic_read(&report.preemptions));
	print_field("migrations", atomic_read(&report.migrations));
	print_field("trapnr", report.trapnr);
	print_field("error_code", report.error_code);
	print_field("trap_ip", report.trap_ip);
	print_field("trap_sp", report.trap_sp);
	print_field("bug_ip", report.bug_ip);
}

noinline noreturn void scenario_end(void)
{
	local_irq_disable();
	print_report();
	outb(DEBUG_EXIT_PORT, report.verdict);
	for (;;)
		__asm__ volatile("hlt");
}

/* Someone else has written to a site. The kernel warns and gives up tracing. */
void ftrace_bug(unsigned long ip)
{
	report.bug_ip = ip;
}

/* An exception that nobody expected. It ends the run, as an oops in an interrupt would end the machine. */
noinline noreturn void die(u32 trapnr, struct pt_regs *regs, long error_code)
{
	report.verdict = VERDICT_died;
	report.trapnr = trapnr;
	report.error_code = error_code;
	report.trap_ip = regs->ip;
	report.trap_sp = regs->sp;
	scenario_end();
}
