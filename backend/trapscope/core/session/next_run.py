"""What a good ending has shown, and what to look at next: one run, never the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trapscope.core.types import FetchModel, RunSpec, Verdict


@dataclass(frozen=True, slots=True)
class NextRun:
    """A run by its names, and the words of the link to it. An empty schedule is the scenario's own."""

    words: str
    scenario: str
    design: str = "thread"
    variants: tuple[str, ...] = ()
    fetch: FetchModel = FetchModel.COHERENT
    schedule: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """By scenario: what has been seen where all went well, and what to see then."""

    words: str
    then: NextRun


SHOWN: Final = {
    "first-call": Shown(
        "One breakpoint was taken while the site was being rewritten, and the run came to its end.",
        NextRun("Now where stepping over the call does harm", "livepatch-window", "skip"),
    ),
    "livepatch-window": Shown(
        "Whoever entered the function under the breakpoint still reached the new body.",
        NextRun("Now step over the call, as v5.1 did", "livepatch-window", "skip"),
    ),
    "livepatch-live": Shown(
        "Every entry reached the new body while another CPU rewrote the site.",
        NextRun("Now let those who trap step over the call", "livepatch-live", "skip"),
    ),
    "patch-live": Shown(
        "A running CPU met the old instruction, the new one, or the breakpoint, and nothing else.",
        NextRun("Now leave the breakpoint out", "patch-live", "thread", ("no-int3",)),
    ),
    "disable-live": Shown(
        "A call was taken away under a running CPU, and no entry was traced twice.",
        NextRun("Now a call that must stay one", "livepatch-live"),
    ),
    "four-contexts": Shown(
        "Four calls were pending at once, and each context found its own return address.",
        NextRun("Now let a fifth context come", "fifth"),
    ),
    "fifth": Shown(
        "Five contexts trapped on top of each other, and none lost its call.",
        NextRun("Now with four slots", "fifth"),
    ),
    "nmi-in-handler": Shown(
        "An NMI between the two steps of the handler did no harm.",
        NextRun("Now exchange the two stores", "nmi-in-handler", "thread", ("slot-first",)),
    ),
    "irq-in-stub": Shown(
        "An interrupt between the two accesses of the pop left the slot alone.",
        NextRun("Now exchange the two accesses", "irq-in-stub", "thread", ("lower-first",)),
    ),
    "nmi-in-nmi": Shown(
        "The entry code kept the first NMI's frame while the second one came.",
        NextRun("Now an NMI entry that keeps nothing", "nmi-in-nmi", "thread", ("plain-nmi",)),
    ),
    "preempt-migrate": Shown(
        "The return address was found again on the other CPU.",
        NextRun("Now keep the stack per CPU", "preempt-migrate", "percpu"),
    ),
    "fork": Shown(
        "The copy of the task began with nothing pending.",
        NextRun("Now fork while a slot is taken", "fork", schedule="0>stub-entered irq@0 0>."),
    ),
    "trampoline-site": Shown(
        "The call inside the trampoline was not lost while it was being rewritten.",
        NextRun("Now step over it", "trampoline-site", "skip"),
    ),
    "stack-room": Shown(
        "There was room for the return address beside the CPU's own frame.",
        NextRun("Now push without a gap", "stack-room", "gap", ("no-gap",)),
    ),
    "torn": Shown(
        "No CPU decoded a mixture of old and new bytes.",
        NextRun(
            "Now leave out the first sync and let fetches lag", "torn", "thread", ("no-sync-1",), FetchModel.WEAK
        ),
    ),
    "late-handler": Shown(
        "The last sync waited until the handler had returned.",
        NextRun("Now leave out the last sync", "late-handler", "thread", ("no-sync-3",)),
    ),
    "two-sites": Shown(
        "Several sites were rewritten in a batch, while CPUs trapped on them.",
        NextRun("Now move a task that has trapped", "preempt-migrate"),
    ),
}  # fmt: skip
_UNCHECKED: Final = NextRun("Now without the check for room", "fifth", "thread", ("unchecked-depth",))


def next_run(spec: RunSpec, verdict: Verdict) -> NextRun:
    """From what went wrong to the same without the mistake; from what went well, on."""
    then = SHOWN[spec.scenario].then
    if verdict is Verdict.OK:
        here = NextRun(then.words, spec.scenario, spec.design, spec.variants, spec.fetch, then.schedule)
        return then if then != here else NextRun("Now the merged design", spec.scenario, "gap")
    if spec.variants:
        return NextRun("Now the same without the mistake", spec.scenario, spec.design, (), spec.fetch)
    if spec.scenario == "fifth":
        return _UNCHECKED if spec.design == "thread" else NextRun("Now the merged design", "fifth", "gap")
    if spec.design != "thread":
        return NextRun("Now the design of the patch", spec.scenario, "thread", (), spec.fetch)
    return NextRun("Now the merged design", spec.scenario, "gap", (), spec.fetch)
