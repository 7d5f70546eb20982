#ifndef GUEST_PERCPU_H
#define GUEST_PERCPU_H

#include "segment.h"
#include "types.h"

/*
 * A per-CPU variable is linked at a small address that is really an offset: GS base points to the CPU's
 * own area, and "%gs:symbol" reaches it in one instruction, whichever CPU the code is on at that instant.
 * All areas start as zeroes (guest.ld gives the section no contents).
 */
#define __percpu __section(".data..percpu")
#define DEFINE_PER_CPU(type, name) __percpu type name
#define DECLARE_PER_CPU(type, name) extern type name

#define this_cpu_read(var)                                                       \
	({                                                                       \
		__typeof__(var) value__;                                         \
		__asm__ volatile("mov %%gs:%c1, %0" : "=r"(value__) : "i"(&(var))); \
		value__;                                                         \
	})

#define this_cpu_write(var, value)                                                              \
	do {                                                                                    \
		__typeof__(var) value__ = (value);                                              \
		__asm__ volatile("mov %0, %%gs:%c1" : : "r"(value__), "i"(&(var)) : "memory"); \
	} while (0)

/* One instruction, so an interrupt comes before or after it but never in between. For 32-bit variables. */
#define this_cpu_add(var, value) \
	__asm__ volatile("addl %0, %%gs:%c1" : : "ri"((int)(value)), "i"(&(var)) : "memory", "cc")
#define this_cpu_and(var, value) \
	__asm__ volatile("andl %0, %%gs:%c1" : : "ri"((int)(value)), "i"(&(var)) : "memory", "cc")
#define this_cpu_or(var, value) \
	__asm__ volatile("orl %0, %%gs:%c1" : : "ri"((int)(value)), "i"(&(var)) : "memory", "cc")

/* The linear address of a variable of any CPU's area. */
extern u8 percpu_areas[];
#define per_cpu_ptr(var, cpu) ((__typeof__(var) *)(percpu_areas + (cpu) * PERCPU_SIZE + (unsigned long)&(var)))

/* The linear address of this CPU's variable; it stays that CPU's when the task moves. */
#define this_cpu_ptr(var) per_cpu_ptr(var, smp_processor_id())

DECLARE_PER_CPU(int, cpu_number);
#define smp_processor_id() this_cpu_read(cpu_number)

#endif
