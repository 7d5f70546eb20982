/*
 * Who calls the traced functions in process context, and what replaces the one that is live-patched. A
 * file of its own, so that the compiler cannot know what a traced function returns.
 */
#include "report.h"
#include "workload.h"

/* The live patch's new body. */
long patched_fn_new(long a, long b)
{
	(void)a, (void)b;
	atomic_inc(&report.entries);
	atomic_inc(&report.new_bodies);
	return NEW_RESULT;
}

noinline void caller_fn(void)
{
	if (traced_fn(7, 3) != 4)
		atomic_inc(&report.wrong);
}

noinline void caller_of_second_fn(void)
{
	if (traced_second_fn(7, 3) != 10)
		atomic_inc(&report.wrong);
}

noinline void caller_of_patched_fn(void)
{
	if (patched_fn(7, 3) != NEW_RESULT)
		atomic_inc(&report.wrong);
}
