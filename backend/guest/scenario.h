#ifndef GUEST_SCENARIO_H
#define GUEST_SCENARIO_H

#include "boot_params.h"

/* One starting point: what is traced before, what happens, who else takes part. NULL: nothing. */
struct scenario {
	void (*setup)(void);   /* on CPU 0, before the others are online */
	void (*run)(void);     /* in the task "worker" on CPU 0, from scenario_start to scenario_end */
	int (*ok)(void);       /* the guest's own judgement */
	void (*patch)(void);   /* in the task "patcher" on CPU 1 */
	void (*help)(void);    /* in the tasks "helper/2" and "helper/3" on those CPUs, if there are any */
	void (*irq)(void);     /* work of the timer interrupt ... */
	void (*softirq)(void); /* ... of the softirq that it may raise ... */
	void (*nmi)(void);     /* ... of an NMI ... */
	void (*mce)(void);     /* ... and of a machine check */
};

extern const struct scenario *scenario;

/* scenario_window.c, scenario_contexts.c, scenario_tasks.c, scenario_sites.c, scenario_live.c */
extern const struct scenario scenario_first_call, scenario_livepatch_window;
extern const struct scenario scenario_contexts, scenario_interrupted;
extern const struct scenario scenario_preempt_migrate, scenario_fork;
extern const struct scenario scenario_trampoline_site, scenario_stack_room;
extern const struct scenario scenario_patch_live, scenario_disable_live, scenario_livepatch_live;
extern const struct scenario scenario_one_site, scenario_two_sites;

void scenario_init(void);
void scenario_start(void);

#endif
