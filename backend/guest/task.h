#ifndef GUEST_TASK_H
#define GUEST_TASK_H

#include "percpu.h"
#include "segment.h"
#include "thread_info.h"

#define TASK_RUNNING 0
#define TASK_UNINTERRUPTIBLE 2
#define TASK_DEAD 0x80
#define TASK_COMM_LEN 16

struct task_struct {
	struct thread_info thread_info; /* must stay first */
	volatile long state;		/* the neighbour: what a fifth slot would overwrite */
	unsigned long sp;		/* RSP while the task does not run (switch.S) */
	void *stack;
	int cpu;     /* where it may run; the scheduler of that CPU alone picks it up */
	int last_cpu; /* where it ran last */
	int on_cpu;  /* still running somewhere: its sp is not valid yet */
	char comm[TASK_COMM_LEN];
	struct task_struct *next; /* every task, for the scheduler's scan (sched.c) */
};

static_assert(offsetof(struct task_struct, thread_info) == 0, "assembly takes one for the other");
static_assert(offsetof(struct task_struct, state) == sizeof(struct thread_info), "no hole before the neighbour");

DECLARE_PER_CPU(struct task_struct *, current_task);

static inline struct task_struct *get_current(void)
{
	return this_cpu_read(current_task);
}

#define current get_current()

static inline struct thread_info *current_thread_info(void)
{
	return (struct thread_info *)current;
}

#endif
