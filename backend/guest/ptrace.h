#ifndef GUEST_PTRACE_H
#define GUEST_PTRACE_H

#include "types.h"

/*
 * The 21 words that entry.S leaves on the stack, lowest address first: fifteen pushed registers, one
 * word that names the entry, and the five words that the CPU itself pushed.
 */
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx;
	unsigned long r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax;
	unsigned long ip, cs, flags, sp, ss;
};

static_assert(sizeof(struct pt_regs) == 168, "21 words");
static_assert(offsetof(struct pt_regs, orig_ax) == 0x78, "as the kernel has it");
static_assert(offsetof(struct pt_regs, ip) == 0x80, "as the kernel has it");
static_assert(offsetof(struct pt_regs, ss) == 0xa0, "as the kernel has it");

#endif
