#ifndef GUEST_APIC_H
#define GUEST_APIC_H

#include "types.h"

/* The local APIC's registers, at a fixed physical address that is mapped at the same virtual one. */
#define APIC_BASE 0xfee00000UL
#define APIC_ID 0x20
#define APIC_EOI 0xb0
#define APIC_SPIV 0xf0
#define APIC_ICR 0x300
#define APIC_ICR2 0x310
#define APIC_LVT1 0x360

#define APIC_SPIV_APIC_ENABLED 0x100
#define APIC_SPURIOUS_VECTOR 0xff
#define APIC_ICR_BUSY 0x1000
#define APIC_DM_FIXED 0x000
#define APIC_DM_NMI 0x400
#define APIC_DM_INIT 0x500
#define APIC_DM_STARTUP 0x600
#define APIC_INT_ASSERT 0x4000
#define APIC_DEST_ALLBUT 0xc0000

static inline void apic_write(u32 reg, u32 value)
{
	*(volatile u32 *)(APIC_BASE + reg) = value;
}

void apic_setup(void);
void ack_APIC_irq(void);
void send_IPI(int cpu, int vector);

#endif
