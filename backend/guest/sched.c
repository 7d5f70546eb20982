/*
 * The scheduler: a handful of tasks, each bound to one CPU at a time. A task may be moved to another CPU
 * while it waits, and then resumes there: whatever is pending in its thread_info moves with it.
 */
#include "sched.h"
#include "preempt.h"
#include "processor.h"
#include "report.h"
#include "workload.h"

DEFINE_PER_CPU(struct task_struct *, current_task);

#define IDLE_TASK(n) { .thread_info = INIT_THREAD_INFO(), .cpu = n, .last_cpu = n, .on_cpu = 1, .comm = "swapper/" #n }
struct task_struct idle_tasks[NR_CPUS] = { IDLE_TASK(0), IDLE_TASK(1), IDLE_TASK(2), IDLE_TASK(3) };
u8 idle_stacks[NR_CPUS][THREAD_SIZE] __aligned(16);

static struct task_struct *all_tasks; /* without the idle ones */

void wake_up_new_task(struct task_struct *task, int cpu)
{
	task->cpu = cpu;
	task->last_cpu = cpu;
	task->next = all_tasks;
	smp_wmb();
	WRITE_ONCE(all_tasks, task);
}

/* Only a task's own CPU may pick it, and only when nobody is on its stack any more: no lock is needed. */
static struct task_struct *pick_next_task(struct task_struct *prev, int cpu)
{
	struct task_struct *task;

	for (task = READ_ONCE(all_tasks); task; task = task->next)
		if (task != prev && task->state == TASK_RUNNING && READ_ONCE(task->cpu) == cpu &&
		    !READ_ONCE(task->on_cpu))
			return task;
	if (prev->state == TASK_RUNNING && READ_ONCE(prev->cpu) == cpu)
		return prev;
	return &idle_tasks[cpu];
}

static void finish_task_switch(struct task_struct *prev)
{
	WRITE_ONCE(prev->on_cpu, 0);
	local_irq_enable();
}

/* Called with preemption disabled once; so is every task that a switch resumes. */
static noinline void __schedule(void)
{
	struct task_struct *prev = current, *next;
	int cpu = smp_processor_id();

	local_irq_disable();
	prev->thread_info.flags &= ~_TIF_NEED_RESCHED;
	clear_preempt_need_resched();
	next = pick_next_task(prev, cpu);
	if (next == prev) {
		local_irq_enable();
		return;
	}
	if (next->last_cpu != cpu)
		atomic_inc(&report.migrations);
	next->last_cpu = cpu;
	next->on_cpu = 1;
	prev = __switch_to_asm(prev, next);
	/* Another task, and perhaps another CPU, than a line ago. */
	finish_task_switch(prev);
}

void schedule(void)
{
	preempt_disable_notrace();
	__schedule();
	preempt_enable_no_resched_notrace();
}

/* A new task's half of __schedule(). */
void schedule_tail(struct task_struct *prev)
{
	finish_task_switch(prev);
	preempt_enable_no_resched_notrace();
}

/* preempt_enable() found that it is wanted, and allowed as far as the count tells. */
void preempt_schedule(void)
{
	if (!irqs_disabled())
		schedule();
}

/* From retint_kernel, between a handler's return and its iretq; interrupts are off and stay so outside. */
noinline void preempt_schedule_irq(void)
{
	if (variant(VARIANT_traced_preempt))
		traced_preempt();
	atomic_inc(&report.preemptions);
	preempt_disable_notrace();
	local_irq_enable();
	__schedule();
	local_irq_disable();
	preempt_enable_no_resched_notrace();
}

/* Bit 31 of preempt_count repeats the flag for the CPU that the task runs on. */
void set_tsk_need_resched(struct task_struct *task)
{
	task->thread_info.flags |= _TIF_NEED_RESCHED;
	set_preempt_need_resched();
}

noreturn void do_exit(void)
{
	current->state = TASK_DEAD;
	schedule();
	__builtin_unreachable();
}

/* Polls rather than halts: a task that becomes ready needs no interrupt to be noticed. */
noreturn void cpu_idle(void)
{
	preempt_enable_no_resched_notrace();
	for (;;) {
		schedule();
		cpu_relax();
	}
}
