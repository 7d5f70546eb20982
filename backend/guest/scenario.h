#ifndef GUEST_SCENARIO_H
#define GUEST_SCENARIO_H

#include "boot_params.h"

/* One starting point: what is traced before, what happens, who else takes part. NULL: nothing. */
struct scenario {
	void (*setup)(void);	/* on CPU 0, before the others are online */
	void (*run)(void);	/* from scenario_start to scenario_end, in the task "worker" on CPU 0 */
	int (*ok)(void);	/* the guest's own judgement */
	void (*other)(void);	/* on each other CPU, in a task of its own */
	void (*irq)(void);	/* work of the timer interrupt ... */
	void (*softirq)(void);	/* ... of the softirq that it may raise ... */
	void (*nmi)(void);	/* ... of an NMI ... */
	void (*mce)(void);	/* ... and of a machine check */
};

extern const struct scenario *scenario;
extern const struct scenario scenario_first_call, scenario_livepatch_window;

void scenario_init(void);
void scenario_start(void);

#endif
