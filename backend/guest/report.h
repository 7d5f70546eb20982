#ifndef GUEST_REPORT_H
#define GUEST_REPORT_H

#include "atomic.h"
#include "ptrace.h"

#define REPORT_MAGIC 0x54524f50

enum verdict {
	VERDICT_none,	  /* still running */
	VERDICT_ok,
	VERDICT_violated, /* the scenario's own check failed */
	VERDICT_died,	  /* an exception that nobody claimed */
};

/* What the guest itself counted. It goes out by serial line and debug-exit where a machine has these. */
struct report {
	u32 magic;
	enum verdict verdict;
	atomic_t entries;    /* bodies of traced functions that ran */
	atomic_t calls;	     /* calls of the tracer's fops */
	atomic_t traps;	     /* breakpoints claimed by ftrace_int3_handler() */
	atomic_t emulations; /* of these, resolved by emulating the call */
	atomic_t warnings;   /* a fifth slot was needed */
	atomic_t old_bodies; /* the live-patched function ran its old body */
	atomic_t new_bodies;
	atomic_t regs_calls; /* calls of the second tracer's fops, which wants registers */
	atomic_t wrong;	     /* arguments, results or regs that a call spoiled */
	atomic_t preemptions;
	atomic_t migrations;
	u32 trapnr; /* what killed it, if VERDICT_died */
	u32 error_code;
	u64 trap_ip, trap_sp;
	u64 bug_ip; /* where ftrace found bytes that it had not put there */
};

extern struct report report;

void ftrace_bug(unsigned long ip);
noreturn void die(u32 trapnr, struct pt_regs *regs, long error_code);
noreturn void scenario_end(void);

#endif
