#ifndef GUEST_THREAD_INFO_H
#define GUEST_THREAD_INFO_H

#include "types.h"

#define TIF_NEED_RESCHED 3
#define _TIF_NEED_RESCHED (1UL << TIF_NEED_RESCHED)

/*
 * What low-level code needs of a task. It is the first member of task_struct, so that assembly finds
 * it at %gs:current_task. All of it shares one 64-byte cache line with task->state.
 */
struct thread_info {
	unsigned long flags; /* TIF_* */
	u32 status;
#ifdef CONFIG_DYNAMIC_FTRACE
	/*
	 * Return addresses of call instructions that int3 handlers have promised to emulate and that the
	 * stubs have not consumed yet. A slot belongs to no particular context: it is a stack. Normal,
	 * softirq, irq and nmi context can each have one pending, so there are four.
	 */
	struct ftrace_int3_stack {
		int depth;
		unsigned long slots[4];
	} ftrace_int3_stack;
#endif
};

/* Members not named here are zero by C's rules for initialisers: depth starts at 0 without a word. */
#define INIT_THREAD_INFO() { .flags = 0 }

#ifdef CONFIG_DYNAMIC_FTRACE
static_assert(offsetof(struct thread_info, ftrace_int3_stack.depth) == 16, "the seed patch's layout");
static_assert(offsetof(struct thread_info, ftrace_int3_stack.slots) == 24, "the seed patch's layout");
static_assert(sizeof(struct thread_info) == 56, "fits one cache line with task->state behind it");
#else
static_assert(sizeof(struct thread_info) == 16, "what the option costs is the rest");
#endif

#endif
