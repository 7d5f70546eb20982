/*
 * Making tasks. A fork copies the whole task_struct, thread_info and its ftrace_int3_stack included: the
 * copy is right because a task that forks is in process context and has nothing pending.
 */
#include "sched.h"
#include "processor.h"

/*
 * guest.ld puts these right behind the text: who overflows the first one meets a page fault, on a stack
 * that cannot take its frame, and so a double fault, as at the guard page below a kernel stack.
 */
#define NR_THREAD_STACKS 6
static u8 thread_stacks[NR_THREAD_STACKS][THREAD_SIZE] __section(".bss..stacks") __aligned(4096);
static int stacks_used;

/* What __switch_to_asm() pops. */
struct inactive_task_frame {
	unsigned long r15, r14, r13, r12, bx, bp;
	unsigned long ret_addr;
};

static void copy_thread(struct task_struct *task, void (*fn)(void))
{
	struct inactive_task_frame *frame;

	task->stack = thread_stacks[stacks_used++];
	frame = (struct inactive_task_frame *)((u8 *)task->stack + THREAD_SIZE) - 1;
	frame->bx = (unsigned long)fn;
	frame->ret_addr = (unsigned long)ret_from_fork;
	task->sp = (unsigned long)frame;
	task->on_cpu = 0;
}

/* A task that exists from the start, to run fn on the given CPU. */
void kernel_thread(struct task_struct *task, void (*fn)(void), int cpu)
{
	copy_thread(task, fn);
	wake_up_new_task(task, cpu);
}

/* The child gets everything that the parent has at this instant, pending calls included. */
static noinline void arch_dup_task_struct(struct task_struct *dst, const struct task_struct *src)
{
	memcpy(dst, src, sizeof(*dst));
}

void copy_process(struct task_struct *child, const char *comm, void (*fn)(void))
{
	unsigned long flags;

	arch_dup_task_struct(child, current);
	memcpy(child->comm, comm, TASK_COMM_LEN);

	flags = local_irq_save(); /* the scenario "fork" forks from an interrupt, too */
	copy_thread(child, fn);
	wake_up_new_task(child, smp_processor_id());
	local_irq_restore(flags);
}
