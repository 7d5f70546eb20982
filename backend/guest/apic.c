/*
 * The local APIC, as far as one CPU needs it to interrupt another. APIC ids are CPU numbers here.
 */
#include "apic.h"
#include "percpu.h"

void apic_setup(void)
{
	apic_write(APIC_SPIV, APIC_SPIV_APIC_ENABLED | APIC_SPURIOUS_VECTOR);
	apic_write(APIC_LVT1, APIC_DM_NMI); /* the machine's NMI line */
}

/* Until this store no further interrupt of the same or a lower priority class is delivered. */
void ack_APIC_irq(void)
{
	apic_write(APIC_EOI, 0);
}

/* The store to the low half sends. (An xAPIC of the 1990s had to be asked first whether it was idle.) */
void send_IPI(int cpu, int vector)
{
	apic_write(APIC_ICR2, (u32)cpu << 24);
	apic_write(APIC_ICR, APIC_DM_FIXED | APIC_INT_ASSERT | vector);
}
