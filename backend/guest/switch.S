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
	PUSH	%rbp
	PUSH	%rbx
	PUSH	%r12
	PUSH	%r13
	PUSH	%r14
	PUSH	%r15

	mov	%rsp, TASK_sp(%rdi)
	mov	TASK_sp(%rsi), %rsp
	mov	%rsi, %gs:current_task

	POP	%r15
	POP	%r14
	POP	%r13
	POP	%r12
	POP	%rbx
	POP	%rbp
	mov	%rdi, %rax
	ret
END(__switch_to_asm)

/*
 * void ret_from_fork(void);
 *
 * Where a new task's first switch returns to: fork.c has put the function to call into rbx's word.
 */
FUNC(ret_from_fork)
	.cfi_undefined %rip			/* nobody called it */
	mov	%rax, %rdi
	call	schedule_tail		/* the switch is complete, as schedule() would have said */
	call	*%rbx
	call	do_exit
END(ret_from_fork)
