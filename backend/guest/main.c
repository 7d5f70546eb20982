/*
 * The guest's table of contents: what each CPU does between startup_64 and its first task.
 */
#include "boot_params.h"
#include "cpu.h"
#include "ftrace.h"
#include "main.h"
#include "processor.h"
#include "scenario.h"
#include "sched.h"
#include "smp.h"

static int boot_cpu_done;

noreturn void start_kernel(int cpu)
{
	cpu_init(cpu);
	if (cpu == 0) {
		trap_init();
		load_idt();
		ftrace_init();
		scenario_init();
		WRITE_ONCE(boot_cpu_done, 1);
	} else {
		while (!READ_ONCE(boot_cpu_done))
			cpu_relax();
		load_idt();
	}
	atomic_inc(&cpus_online);
	local_irq_enable();
	cpu_idle();
}
