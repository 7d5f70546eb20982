#ifndef GUEST_TYPES_H
#define GUEST_TYPES_H

/* The few words that every file uses. There is no C library here. */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long s64;
typedef unsigned long size_t;

#define NULL ((void *)0)
#define offsetof(type, member) __builtin_offsetof(type, member)
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define static_assert _Static_assert

#define noinline __attribute__((noinline))
#define noreturn __attribute__((noreturn))
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __section(name) __attribute__((section(name)))

/* No five-byte site at the function's start. Only workload.c is built with sites; see the list in build.py. */
#define notrace __attribute__((no_instrument_function))

/*
 * An access that the compiler must make exactly once and exactly here. Interrupts and NMIs on this CPU
 * see our stores in program order, so this (and no CPU barrier) is what nesting needs.
 */
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile __typeof__(x) *)&(x) = (value))
#define barrier() __asm__ volatile("" ::: "memory")

/* x86 keeps stores in order; only the compiler has to be told. */
#define smp_wmb() barrier()

void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int value, size_t n);

#endif
