"""The scenarios: each a starting point, the question that it answers, and the sentences of the patch that it shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from trapscope.core.session.sentences import (
    AS_NOP,
    ASM_OFFSETS,
    AT_MOST_FOUR,
    COMMUNICATED,
    EMULATE,
    FOUR_ENTRIES,
    IN_THREAD_INFO,
    INIT,
    INT3_FIRST,
    IRET_FRAME,
    MEMCPY,
    NORMS,
    ONE_PER_CONTEXT,
    PER_CPU,
    RARELY,
)
from trapscope.core.types import FetchModel

_STACKS: Final = ("thread", "percpu")
_EMULATING: Final = ("thread", "percpu", "gap")
_ALL: Final = ("skip", *_EMULATING)
_CUT_SHORT: Final = ("no-int3", "no-sync-1", "no-sync-2", "no-sync-3", "early-done")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named starting point. `cpus` is how many it has by default, `most_cpus` how many it may have."""

    name: str
    title: str
    question: str
    sentences: tuple[str, ...]
    introduction: str
    designs: tuple[str, ...] = _ALL
    variants: tuple[str, ...] = ()
    cpus: int = 1
    most_cpus: int = 1
    schedule: str = "0>."
    schedules: Mapping[str, str] = field(default_factory=dict)
    """The default schedule of designs for which `schedule` would wait for what never comes."""
    weak_schedules: Mapping[str, str] = field(default_factory=dict)
    """By variant: the default schedule under weak fetch, where chance alone would rarely show what it is about."""

    def schedule_under(self, design: str, variants: Iterable[str] = (), fetch: FetchModel = FetchModel.COHERENT) -> str:
        """What is played when nobody says otherwise."""
        if fetch is FetchModel.WEAK:
            for variant in variants:
                if variant in self.weak_schedules:
                    return self.weak_schedules[variant]
        return self.schedules.get(design, self.schedule)


SCENARIOS: Final = (
    Scenario(
        name="first-call",
        title="The whole path, once",
        question="What does a CPU do that runs into the breakpoint while a call is being put in?",
        sentences=(INT3_FIRST, IRET_FRAME, COMMUNICATED, IN_THREAD_INFO, ASM_OFFSETS),
        introduction=(
            "The patcher has written int3 over the first byte of traced_fn's nop and not yet gone on; the function is "
            "called. The trap handler saves the address behind the site in the task's ftrace_int3_stack and lets its "
            "iret frame lead to a stub. The stub, in the interrupted context again, makes the call."
        ),
        variants=("flags-exact", "caller-not-regs", "no-gap", "traced-handler"),
    ),
    Scenario(
        name="livepatch-window",
        title="Call to call",
        question="Why is it not enough to treat the instruction as a nop?",
        sentences=(AS_NOP, EMULATE),
        introduction=(
            "patched_fn is live-patched: its site calls the live patch, which sends every entry to the new body. Now "
            "a tracer is added, and the site changes from one call to another. Whoever enters the function in between "
            "must still reach the new body: step over the site, and the patched bug is back."
        ),
        variants=("flags-exact", "caller-not-regs", "no-gap", "traced-handler"),
    ),
    Scenario(
        name="livepatch-live",
        title="Call to call, live",
        question="Does the live patch hold while another CPU rewrites the site?",
        sentences=(AS_NOP, EMULATE, INT3_FIRST),
        introduction=(
            "As in livepatch-window, but CPU 1 does the patching while CPU 0 keeps calling. Every entry, at whatever "
            "byte of whatever pass, must reach the new body."
        ),
        variants=_CUT_SHORT,
        cpus=2,
        most_cpus=2,
        schedule="rr*7",
    ),
    Scenario(
        name="patch-live",
        title="Nop to call, live",
        question="How can a CPU replace five bytes that another one is executing?",
        sentences=(INT3_FIRST, RARELY),
        introduction=(
            "CPU 1 enables tracing of a function that CPU 0 keeps calling: int3 over the first byte, sync, the four "
            "bytes behind it, sync, the first byte, sync. Whatever CPU 0 meets on the way is the old instruction, the "
            "new one, or the breakpoint."
        ),
        variants=_CUT_SHORT,
        cpus=2,
        most_cpus=2,
        schedule="rr*7",
    ),
    Scenario(
        name="disable-live",
        title="Call to nop, live",
        question="What may an emulated call do that will not be a call any more?",
        sentences=(INT3_FIRST, RARELY),
        introduction=(
            "The way back: CPU 1 takes the tracer away while CPU 0 keeps calling. A trap in that window is still "
            "turned into a call, which finds nobody in the list any more: harmless."
        ),
        variants=_CUT_SHORT,
        cpus=2,
        most_cpus=2,
        schedule="rr*7",
    ),
    Scenario(
        name="four-contexts",
        title="Four deep",
        question="How many emulations can be pending at once?",
        sentences=(AT_MOST_FOUR, FOUR_ENTRIES, ONE_PER_CONTEXT),
        introduction=(
            "A process runs into a breakpoint; before its stub has consumed the slot, a softirq does, on top of it an "
            "interrupt, on top of that an NMI. Each pushes one slot of the same task's stack, and each finds its own "
            "when it comes back."
        ),
        designs=_EMULATING,
        variants=("flags-exact",),
        schedule="0>int3 0>iret irq@0 0>int3 0>iret irq@0 0>int3 0>iret nmi@0 0>.",
    ),
    Scenario(
        name="fifth",
        title="One more",
        question="What if a fifth context comes after all?",
        sentences=(AT_MOST_FOUR, ONE_PER_CONTEXT),
        introduction=(
            "A machine check is none of the four contexts. When it traps on top of all of them, there is no slot: a "
            "warning, and its call is lost, as if the site were a nop. Without the check for room, the push would "
            "land on the task's state, right behind the last slot."
        ),
        designs=_EMULATING,
        variants=("unchecked-depth",),
        schedule="0>int3 0>iret irq@0 0>int3 0>iret irq@0 0>int3 0>iret nmi@0 0>int3 0>iret mce@0 0>.",
    ),
    Scenario(
        name="nmi-in-handler",
        title="Between two stores",
        question="Does it matter that depth is raised before the slot is written?",
        sentences=(AT_MOST_FOUR, COMMUNICATED),
        introduction=(
            "An NMI comes between the two stores of the handler's push, and runs into a breakpoint itself. If depth "
            "is raised already, the NMI takes the next slot; if the slot was written first, the NMI writes over it."
        ),
        designs=_EMULATING,
        variants=("slot-first",),
        schedule="0>push-begun nmi@0 0>.",
        schedules={"gap": "0>frame-rewritten nmi@0 0>."},
    ),
    Scenario(
        name="irq-in-stub",
        title="Between a load and a store",
        question="Does it matter that the slot is read before depth is lowered?",
        sentences=(IRET_FRAME, COMMUNICATED),
        introduction=(
            "The stub runs with interrupts on. One comes between the two accesses of its pop, and runs into a "
            "breakpoint itself. If depth is lowered already, the interrupt pushes onto the slot that has not been "
            "read yet."
        ),
        designs=_STACKS,
        variants=("lower-first",),
        schedule="0>pop-begun irq@0 0>.",
    ),
    Scenario(
        name="nmi-in-nmi",
        title="An NMI in an NMI",
        question="What if the iretq of an int3 inside an NMI lets the next NMI in?",
        sentences=(AT_MOST_FOUR,),
        introduction=(
            "NMIs are blocked until an IRET, and the int3 handler ends in one. So an NMI that runs into a breakpoint "
            "can be interrupted by the next, on the same stack. The entry code has to keep the first one's frame."
        ),
        designs=_EMULATING,
        variants=("plain-nmi",),
        schedule="0>int3 nmi@0 0>int3 0>iret nmi@0 0>.",
    ),
    Scenario(
        name="preempt-migrate",
        title="Another CPU",
        question="Why does the stack belong to the task and not to the CPU?",
        sentences=(PER_CPU, NORMS, IN_THREAD_INFO),
        introduction=(
            "The handler has saved the return address; on the way out of the trap, before the iretq, the task is "
            "preempted and resumed on the other CPU. There its stub looks for the address. A stack in thread_info has "
            "come along; a per-CPU stack has not."
        ),
        designs=_EMULATING,
        variants=("traced-preempt",),
        cpus=2,
        most_cpus=2,
        schedule="rr*7",
    ),
    Scenario(
        name="fork",
        title="A copy of the task",
        question="What does a new task find in its ftrace_int3_stack?",
        sentences=(INIT, MEMCPY),
        introduction=(
            "A fork copies the whole task_struct, the stack in thread_info included. The copy is right because a task "
            "that forks is in process context and has nothing pending: depth is 0, as INIT_THREAD_INFO has left it."
        ),
    ),
    Scenario(
        name="trampoline-site",
        title="The other kind of site",
        question="What about the call inside the trampoline itself?",
        sentences=(COMMUNICATED, EMULATE),
        introduction=(
            "When the one function to be called changes, ftrace rewrites the call inside ftrace_caller and "
            "ftrace_regs_caller by the same protocol. There the trampoline has done its work already, so a second "
            "stub calls ftrace_ops_list_func."
        ),
        variants=("flags-exact",),
    ),
    Scenario(
        name="stack-room",
        title="No room to push",
        question="Why can the handler not simply push the return address itself?",
        sentences=(IRET_FRAME,),
        introduction=(
            "The word that a call would write is the one below the interrupted stack pointer, and there the CPU has "
            "put its own frame. With RSP a multiple of 16 it is the saved SS. The merged design makes room first: the "
            "entry copies the frame six words down."
        ),
        variants=("no-gap", "rsp-8"),
    ),
    Scenario(
        name="torn",
        title="Half an instruction",
        question="What does a CPU decode if the protocol is cut short?",
        sentences=(INT3_FIRST,),
        introduction=(
            "A CPU may go on decoding bytes that it fetched earlier, byte by byte, until it executes a serialising "
            "instruction. The breakpoint and the syncs make sure that no mixture of old and new bytes is ever an "
            "instruction."
        ),
        variants=_CUT_SHORT,
        cpus=2,
        most_cpus=2,
        schedule="rr*7",
        weak_schedules={
            # The tail is newest, the first byte that nobody synced is old; and the other way round.
            "no-sync-1": (
                "0* 1>text-write 1>text-write fetch@0&traced_fn+1 fetch@0&traced_fn+2 fetch@0&traced_fn+3 "
                "fetch@0&traced_fn+4 0>."
            ),
            "no-sync-2": "0* 1>text-write 1* 0* 1>text-write 1>text-write fetch@0&traced_fn+0 0>.",
        },
    ),
    Scenario(
        name="late-handler",
        title="The last sync",
        question="Why wait once more when the new instruction is complete?",
        sentences=(INT3_FIRST,),
        introduction=(
            "A CPU has run into the breakpoint and not yet asked whose it is, while the patcher finishes. Only the "
            "last sync, which that CPU answers when its handler has returned, keeps modifying_ftrace_code up for it."
        ),
        variants=("no-sync-3", "early-done"),
        cpus=2,
        most_cpus=2,
        schedule="0* 1>text-write 1* 0>iret 1>text-write 1* 0>iret 0>int3 1* 0>.",
    ),
    Scenario(
        name="two-sites",
        title="Many sites at once",
        question="Does it all hold when several CPUs trap on different sites?",
        sentences=(RARELY, INT3_FIRST),
        introduction=(
            "ftrace patches in batches: one pass over all sites, one sync, the next pass. Meanwhile every CPU may "
            "trap, each on another site, each with its own task's stack."
        ),
        variants=_CUT_SHORT,
        cpus=2,
        most_cpus=4,
        schedule="rr*7",
    ),
)
