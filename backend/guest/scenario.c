/*
 * From boot_params to a running scenario. What the host records begins at scenario_start() and ends when
 * a CPU arrives at scenario_end().
 */
#include "scenario.h"
#include "report.h"
#include "sched.h"
#include "smp.h"
#include "processor.h"

struct boot_params boot_params = { .magic = BOOT_PARAMS_MAGIC, .cpus = 1, .design = DESIGN_thread, .rounds = 1 };

static const struct scenario *const scenarios[NR_SCENARIOS] = {
	[SCENARIO_first_call] = &scenario_first_call,
	[SCENARIO_livepatch_window] = &scenario_livepatch_window,
};

const struct scenario *scenario;
static int scenario_running;

static struct task_struct worker = { .thread_info = INIT_THREAD_INFO(), .comm = "worker" };

/* CPU 0 waits for the others here, so that nothing of their boot is part of the scenario. */
static void worker_main(void)
{
	while (num_online_cpus() < (int)boot_params.cpus)
		cpu_relax();
	scenario_start();
}

void scenario_init(void)
{
	scenario = scenarios[boot_params.scenario];
	if (scenario->setup)
		scenario->setup();
	kernel_thread(&worker, worker_main, 0);
}

noinline void scenario_start(void)
{
	WRITE_ONCE(scenario_running, 1);
	scenario->run();
	report.verdict = scenario->ok() ? VERDICT_ok : VERDICT_violated;
	scenario_end();
}
