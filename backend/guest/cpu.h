#ifndef GUEST_CPU_H
#define GUEST_CPU_H

#include "types.h"

/* One entry of the interrupt descriptor table (SDM vol. 3A, 6.14.1). */
struct gate_desc {
	u16 offset_low;
	u16 segment;
	u8 ist; /* 0: stay on the interrupted stack */
	u8 type_dpl;
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
} __packed;

#define GATE_INTERRUPT 0x8e	 /* present, DPL 0, interrupt gate: clears IF */
#define GATE_INTERRUPT_DPL3 0xee /* the same, and "int3" is allowed from user mode */

/* The task state segment: in 64-bit mode only the stack pointers matter (SDM vol. 3A, 7.7). */
struct tss_struct {
	u32 reserved0;
	u64 sp[3];
	u64 reserved1;
	u64 ist[7]; /* ist[n - 1] for a gate with ist = n */
	u64 reserved2;
	u16 reserved3;
	u16 io_bitmap_base;
} __packed;

static_assert(sizeof(struct gate_desc) == 16, "SDM figure 6-8");
static_assert(sizeof(struct tss_struct) == 104, "SDM figure 7-11");

extern u64 gdt[];

void cpu_init(int cpu);
void trap_init(void);
void load_idt(void);

#endif
