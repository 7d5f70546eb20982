/*
 * struct task_struct *__switch_to_asm(struct task_struct *prev, struct task_struct *next);
 *
 * Leaves prev's stack and continues on next's, where next had called this function. It returns the task
 * that was left: by then it is another call than the one that prev made.
 */
#include "asm-offsets.h"
#include "linkage.h"

	.text
FUNC(__switch_to_asm)
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15

	mov	%rsp, TASK_sp(%rdi)
	mov	TASK_sp(%rsi), %rsp
	mov	%rsi, %gs:current_task

	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	mov	%rdi, %rax
	ret
END(__switch_to_asm)

/*
 * void ret_from_fork(void);
 *
 * Where a new task's first switch returns to: fork.c has put the function to call into rbx's word.
 */
FUNC(ret_from_fork)
	mov	%rax, %rdi
	call	schedule_tail		/* the switch is complete, as schedule() would have said */
	call	*%rbx
	call	do_exit
END(ret_from_fork)
