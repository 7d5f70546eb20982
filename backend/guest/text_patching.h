#ifndef GUEST_TEXT_PATCHING_H
#define GUEST_TEXT_PATCHING_H

#include "types.h"

#define START_KERNEL_MAP 0xffffffff80000000UL /* virtual = this + physical: where the image is linked */
#define PAGE_OFFSET 0xffff888000000000UL      /* virtual = this + physical: all of RAM, writable */

#define __pa_symbol(x) ((unsigned long)(x) - START_KERNEL_MAP)
#define __va(pa) ((void *)((pa) + PAGE_OFFSET))

/* A site's five bytes, in the two parts that are written apart. */
struct insn {
	u8 opcode;
	u32 tail;
} __packed;

#define INSN_SIZE 5
static_assert(sizeof(struct insn) == INSN_SIZE, "the length of a near call");

#define CALL_INSN_OPCODE 0xe8
#define INT3_INSN_OPCODE 0xcc

/* nopl 0(%rax,%rax): five bytes that are one instruction, so that nobody stands in the middle of it. */
#define NOP5 ((struct insn){ .opcode = 0x0f, .tail = 0x0000441f })

/* The call's operand counts from the end of the instruction. */
static inline struct insn call_insn(unsigned long ip, unsigned long target)
{
	return (struct insn){ .opcode = CALL_INSN_OPCODE, .tail = (u32)(target - (ip + INSN_SIZE)) };
}

void text_poke_opcode(unsigned long ip, u8 opcode);
void text_poke_tail(unsigned long ip, u32 tail);
void text_poke_early(unsigned long ip, struct insn insn);

typedef void (*smp_call_func_t)(void *info);
void on_each_cpu(smp_call_func_t func, void *info);
void run_sync(void);

#endif
