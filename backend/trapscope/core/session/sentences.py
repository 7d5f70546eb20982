"""The sentences of the seed patch that claim something, word for word, so that the page can find them there.

Patch: “x86/thread_info: introduce ->ftrace_int3_stack member”, N. Stange, 27 April 2019; its message, and the comment
that it adds.
"""

from __future__ import annotations

from typing import Final

INT3_FIRST: Final = (
    "Before actually rewriting an insn, x86' DYNAMIC_FTRACE implementation places an int3 breakpoint on it."
)
AS_NOP: Final = "Currently, ftrace_int3_handler() simply treats the insn in question as nop and advances %rip past it."
EMULATE: Final = "An upcoming patch will improve this by making the int3 trap handler emulate the call insn."
IRET_FRAME: Final = (
    "To this end, ftrace_int3_handler() will be made to change its iret frame's ->ip to some stub which will then"
    " mimic the function call in the original context."
)
COMMUNICATED: Final = (
    "Somehow the trapping ->ip address will have to get communicated from ftrace_int3_handler() to these stubs though."
)
AT_MOST_FOUR: Final = (
    "Note that at any given point in time, there can be at most four such call insn emulations pending: namely at"
    ' most one per "process", "irq", "softirq" and "nmi" context.'
)
FOUR_ENTRIES: Final = "Introduce struct ftrace_int3_stack providing four entries for storing the instruction pointer."
ONE_PER_CONTEXT: Final = (
    'There can be at most one slot in use per context, i.e. at most one for "normal", "irq", "softirq" and "nmi" each.'
)
PER_CPU: Final = (
    "In principle, it could be made per-cpu, but this would require making ftrace_int3_handler() to return with"
    " preemption disabled and to enable it from those emulation stubs again only after the stack's top entry has been"
    " consumed."
)
NORMS: Final = (
    'I\'ve been told that this would "break a lot of norms" and that making this stack part of struct thread_info'
    " instead would be less fragile."
)
IN_THREAD_INFO: Final = "Follow this advice and add a struct ftrace_int3_stack instance to x86's struct thread_info."
RARELY: Final = (
    "Note that these stacks will get only rarely accessed (only during ftrace's code modifications) and thus, cache"
    " line dirtying won't have any significant impact on the neighbouring fields."
)
INIT: Final = (
    "Initialization will take place implicitly through INIT_THREAD_INFO as per the rules for missing elements in"
    " initializers."
)
MEMCPY: Final = (
    "The memcpy() in arch_dup_task_struct() will propagate the initial state properly, because it's always run in"
    " process context and won't ever see a non-zero ->depth value."
)
ASM_OFFSETS: Final = (
    "Finally, add the necessary bits to asm-offsets for making struct ftrace_int3_stack accessible from assembly."
)
