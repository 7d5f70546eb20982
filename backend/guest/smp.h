#ifndef GUEST_SMP_H
#define GUEST_SMP_H

#include "atomic.h"
#include "boot_params.h"
#include "text_patching.h"

extern atomic_t cpus_online;

static inline int num_online_cpus(void)
{
	return atomic_read(&cpus_online);
}

#endif
