#ifndef GUEST_ATOMIC_H
#define GUEST_ATOMIC_H

#include "types.h"

/* A locked read-modify-write is also a full barrier on x86, which modifying_ftrace_code relies on. */

typedef struct {
	int counter;
} atomic_t;

static inline int atomic_read(const atomic_t *v)
{
	return READ_ONCE(v->counter);
}

static inline void atomic_inc(atomic_t *v)
{
	__asm__ volatile("lock incl %0" : "+m"(v->counter) : : "memory");
}

static inline void atomic_dec(atomic_t *v)
{
	__asm__ volatile("lock decl %0" : "+m"(v->counter) : : "memory");
}

#endif
