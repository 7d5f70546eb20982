/**
 * The seed patch's own words: "x86/thread_info: introduce ->ftrace_int3_stack member", Nicolai Stange, April 2019.
 *
 * A passage has a name by which the story refers to it; what stands between ⟦ and ⟧ is what the step at hand shows.
 */

export const PASSAGES = {
  breakpoint:
    "⟦Before actually rewriting an insn, x86' DYNAMIC_FTRACE implementation places an int3 breakpoint on it.⟧ Currently, ftrace_int3_handler() simply treats the insn in question as nop and advances %rip past it.",
  skip: "Before actually rewriting an insn, x86' DYNAMIC_FTRACE implementation places an int3 breakpoint on it. Currently, ftrace_int3_handler() ⟦simply treats the insn in question as nop and advances %rip past it.⟧",
  emulate: "An upcoming patch will improve this by ⟦making the int3 trap handler emulate the call insn.⟧",
  frame:
    "To this end, ftrace_int3_handler() will be made to ⟦change its iret frame's ->ip to some stub⟧ which will then mimic the function call in the original context.",
  stub: "To this end, ftrace_int3_handler() will be made to change its iret frame's ->ip to some stub ⟦which will then mimic the function call in the original context.⟧",
  communicate:
    "Somehow ⟦the trapping ->ip address will have to get communicated from ftrace_int3_handler() to these stubs⟧ though.",
  four: 'Note that at any given point in time, there can be ⟦at most four such call insn emulations pending: namely at most one per "process", "irq", "softirq" and "nmi" context.⟧',
  slots: "Introduce ⟦struct ftrace_int3_stack providing four entries for storing the instruction pointer.⟧",
  percpu:
    "In principle, it could be made per-cpu, but ⟦this would require making ftrace_int3_handler() to return with preemption disabled and to enable it from those emulation stubs again⟧ only after the stack's top entry has been consumed.",
  thread:
    "⟦making this stack part of struct thread_info instead would be less fragile.⟧ Follow this advice and add a struct ftrace_int3_stack instance to x86's struct thread_info.",
  line: "Note that ⟦these stacks will get only rarely accessed⟧ (only during ftrace's code modifications) and thus, cache line dirtying won't have any significant impact on the neighbouring fields.",
  initial:
    "⟦Initialization will take place implicitly through INIT_THREAD_INFO⟧ as per the rules for missing elements in initializers.",
  fork: "The memcpy() in arch_dup_task_struct() will propagate the initial state properly, because ⟦it's always run in process context and won't ever see a non-zero ->depth value.⟧",
  offsets:
    "Finally, ⟦add the necessary bits to asm-offsets for making struct ftrace_int3_stack accessible from assembly.⟧",
} as const;

export type Passage = keyof typeof PASSAGES;
