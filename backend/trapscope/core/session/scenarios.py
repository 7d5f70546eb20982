"""The scenarios: each a starting point, the question that it answers, and the sentences of the patch that it shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from trapscope.core.session.openings import OPENINGS, Opening
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
    designs: tuple[str, ...] = _ALL
    variants: tuple[str, ...] = ()
    cpus: int = 1
    most_cpus: int = 1
    schedule: str = "0>."
    schedules: Mapping[str, str] = field(default_factory=dict)
    """The default schedule of designs for which `schedule` would wait for what never comes."""
    weak_schedules: Mapping[str, str] = field(default_factory=dict)
    """By variant: the default schedule under weak fetch, where chance alone would rarely show what it is about."""

    @property
    def opening(self) -> Opening:
        """What is told at moment 0, and what must be so then."""
        return OPENINGS[self.name]

    @property
    def introduction(self) -> str:
        """What stands there at moment 0, and what will happen."""
        return self.opening.text

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
        variants=("flags-exact", "caller-not-regs", "no-gap", "traced-handler"),
    ),
    Scenario(
        name="livepatch-window",
        title="Call to call",
        question="Why is it not enough to treat the instruction as a nop?",
        sentences=(AS_NOP, EMULATE),
        variants=("flags-exact", "caller-not-regs", "no-gap", "traced-handler"),
    ),
    Scenario(
        name="livepatch-live",
        title="Call to call, live",
        question="Does the live patch hold while another CPU rewrites the site?",
        sentences=(AS_NOP, EMULATE, INT3_FIRST),
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
        designs=_EMULATING,
        variants=("flags-exact",),
        schedule="0>int3 0>iret irq@0 0>int3 0>iret irq@0 0>int3 0>iret nmi@0 0>.",
    ),
    Scenario(
        name="fifth",
        title="One more",
        question="What if a fifth context comes after all?",
        sentences=(AT_MOST_FOUR, ONE_PER_CONTEXT),
        designs=_EMULATING,
        variants=("unchecked-depth",),
        schedule="0>int3 0>iret irq@0 0>int3 0>iret irq@0 0>int3 0>iret nmi@0 0>int3 0>iret mce@0 0>.",
    ),
    Scenario(
        name="nmi-in-handler",
        title="Between two stores",
        question="Does it matter that depth is raised before the slot is written?",
        sentences=(AT_MOST_FOUR, COMMUNICATED),
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
        designs=_STACKS,
        variants=("lower-first",),
        schedule="0>pop-begun irq@0 0>.",
    ),
    Scenario(
        name="nmi-in-nmi",
        title="An NMI in an NMI",
        question="What if the iretq of an int3 inside an NMI lets the next NMI in?",
        sentences=(AT_MOST_FOUR,),
        designs=_EMULATING,
        variants=("plain-nmi",),
        schedule="0>int3 nmi@0 0>int3 0>iret nmi@0 0>.",
    ),
    Scenario(
        name="preempt-migrate",
        title="Another CPU",
        question="Why does the stack belong to the task and not to the CPU?",
        sentences=(PER_CPU, NORMS, IN_THREAD_INFO),
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
    ),
    Scenario(
        name="trampoline-site",
        title="The other kind of site",
        question="What about the call inside the trampoline itself?",
        sentences=(COMMUNICATED, EMULATE),
        variants=("flags-exact",),
    ),
    Scenario(
        name="stack-room",
        title="No room to push",
        question="Why can the handler not simply push the return address itself?",
        sentences=(IRET_FRAME,),
        variants=("no-gap", "rsp-8"),
    ),
    Scenario(
        name="torn",
        title="Half an instruction",
        question="What does a CPU decode if the protocol is cut short?",
        sentences=(INT3_FIRST,),
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
        variants=_CUT_SHORT,
        cpus=2,
        most_cpus=4,
        schedule="rr*7",
    ),
)
