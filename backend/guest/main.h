#ifndef GUEST_MAIN_H
#define GUEST_MAIN_H

#include "types.h"

/* From head_64.S, on each CPU. */
noreturn void start_kernel(int cpu);

#endif
