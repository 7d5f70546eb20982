#ifndef GUEST_SCHED_H
#define GUEST_SCHED_H

#include "boot_params.h"
#include "task.h"

extern struct task_struct idle_tasks[NR_CPUS];
extern u8 idle_stacks[NR_CPUS][THREAD_SIZE];

void wake_up_new_task(struct task_struct *task, int cpu);
void schedule(void);
void schedule_tail(struct task_struct *prev);
void preempt_schedule(void);
void preempt_schedule_irq(void);
noreturn void do_exit(void);
noreturn void cpu_idle(void);
void set_tsk_need_resched(struct task_struct *task);

/* switch.S */
struct task_struct *__switch_to_asm(struct task_struct *prev, struct task_struct *next);
void ret_from_fork(void);

/* fork.c */
void kernel_thread(struct task_struct *task, void (*fn)(void), int cpu);
void copy_process(struct task_struct *child, const char *comm, void (*fn)(void));

#endif
