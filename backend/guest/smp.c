/*
 * Running a function on every CPU: one interrupt to each of the others, and a wait until each has
 * answered. A CPU with interrupts off answers later, and the sender waits that long.
 */
#include "smp.h"
#include "apic.h"
#include "irq.h"
#include "preempt.h"
#include "processor.h"
#include "segment.h"
#include "traps.h"

atomic_t cpus_online;

/* One CPU's letter box. The sender sets pending, the receiver clears it when it has run func. */
struct call_single_data {
	smp_call_func_t func;
	void *info;
	int pending;
};

static struct call_single_data call_data[NR_CPUS];

noinline void on_each_cpu(smp_call_func_t func, void *info)
{
	int this_cpu, cpu, online = num_online_cpus();
	unsigned long flags;

	preempt_disable_notrace();
	this_cpu = smp_processor_id();
	for (cpu = 0; cpu < online; cpu++) {
		if (cpu == this_cpu)
			continue;
		call_data[cpu].func = func;
		call_data[cpu].info = info;
		smp_wmb();
		WRITE_ONCE(call_data[cpu].pending, 1);
		send_IPI(cpu, CALL_FUNCTION_VECTOR);
	}
	for (cpu = 0; cpu < online; cpu++)
		while (cpu != this_cpu && READ_ONCE(call_data[cpu].pending))
			cpu_relax();

	flags = local_irq_save();
	func(info);
	local_irq_restore(flags);
	preempt_enable_notrace();
}

void smp_call_function_interrupt(struct pt_regs *regs)
{
	struct call_single_data *data = &call_data[smp_processor_id()];

	(void)regs;
	irq_enter();
	ack_APIC_irq();
	data->func(data->info);
	WRITE_ONCE(data->pending, 0);
	irq_exit();
}
