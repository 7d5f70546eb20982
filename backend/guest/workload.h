#ifndef GUEST_WORKLOAD_H
#define GUEST_WORKLOAD_H

#include "ftrace.h"

#define OLD_RESULT 0xbad
#define NEW_RESULT 0x600d

/* workload.c: the traced functions, one for each context. */
long traced_fn(long a, long b);
long traced_second_fn(long a, long b);
void traced_softirq(void);
void traced_irq(void);
void traced_nmi(void);
void traced_mce(void);
void traced_handler(void);
void traced_preempt(void);
long patched_fn(long a, long b);

/* callers.c: their callers in process context */
void caller_fn(void);
void caller_of_second_fn(void);
void caller_of_patched_fn(void);

long patched_fn_new(long a, long b);

#endif
