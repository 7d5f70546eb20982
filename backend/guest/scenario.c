/*
 * From boot_params to a running scenario. What the host records begins at scenario_start() and ends when
 * a CPU arrives at scenario_end().
 */
#include "scenario.h"
#include "processor.h"
#include "report.h"
#include "sched.h"
#include "smp.h"

struct boot_params boot_params = { .magic = BOOT_PARAMS_MAGIC, .cpus = 1, .design = DESIGN_thread, .rounds = 1 };

static const struct scenario *const scenarios[NR_SCENARIOS] = {
	[SCENARIO_first_call] = &scenario_first_call,
	[SCENARIO_livepatch_window] = &scenario_livepatch_window,
	[SCENARIO_livepatch_live] = &scenario_livepatch_live,
	[SCENARIO_patch_live] = &scenario_patch_live,
	[SCENARIO_disable_live] = &scenario_disable_live,
	[SCENARIO_four_contexts] = &scenario_contexts,
	[SCENARIO_fifth] = &scenario_contexts,
	[SCENARIO_nmi_in_handler] = &scenario_interrupted,
	[SCENARIO_irq_in_stub] = &scenario_interrupted,
	[SCENARIO_nmi_in_nmi] = &scenario_interrupted,
	[SCENARIO_preempt_migrate] = &scenario_preempt_migrate,
	[SCENARIO_fork] = &scenario_fork,
	[SCENARIO_trampoline_site] = &scenario_trampoline_site,
	[SCENARIO_stack_room] = &scenario_stack_room,
	[SCENARIO_torn] = &scenario_one_site,
	[SCENARIO_late_handler] = &scenario_one_site,
	[SCENARIO_two_sites] = &scenario_two_sites,
};

const struct scenario *scenario;
static int scenario_running;

#define TASK(name) { .thread_info = INIT_THREAD_INFO(), .comm = name }
static struct task_struct worker = TASK("worker");
static struct task_struct patcher = TASK("patcher");
static struct task_struct helpers[] = { TASK("helper/2"), TASK("helper/3") };

/* CPU 0 waits for the others here, so that nothing of their boot is part of the scenario. */
static void worker_main(void)
{
	while (num_online_cpus() < (int)boot_params.cpus)
		cpu_relax();
	scenario_start();
}

/* The others wait here until it starts. */
static void wait_for_start(void)
{
	while (!READ_ONCE(scenario_running))
		cpu_relax();
}

static void patcher_main(void)
{
	wait_for_start();
	scenario->patch();
}

static void helper_main(void)
{
	wait_for_start();
	scenario->help();
}

void scenario_init(void)
{
	u32 cpu;

	scenario = scenarios[boot_params.scenario];
	scenario->setup();
	kernel_thread(&worker, worker_main, 0);
	if (scenario->patch)
		kernel_thread(&patcher, patcher_main, 1);
	for (cpu = 2; scenario->help && cpu < boot_params.cpus; cpu++)
		kernel_thread(&helpers[cpu - 2], helper_main, cpu);
}

noinline void scenario_start(void)
{
	WRITE_ONCE(scenario_running, 1);
	scenario->run();
	report.verdict = scenario->ok() ? VERDICT_ok : VERDICT_violated;
	scenario_end();
}
