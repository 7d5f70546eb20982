"""What a check found: a property that did not hold, the step that broke it, and why, with the values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trapscope.core.types import Severity


@dataclass(frozen=True, slots=True)
class Check:
    """A property that every run is held to."""

    demand: str
    severity: Severity = Severity.VIOLATION


#: Every check, in the order in which reports list them.
CHECKS: Final = {
    "calls-once": Check(
        "each matching ops runs exactly once per entry where the site is a call before and after the change, and at"
        " most once elsewhere"
    ),
    "no-torn-fetch": Check("at a patch site a CPU decodes nothing but int3, the old, or the new instruction"),
    "livepatch-consistent": Check("the old body never runs while the live patch is in force"),
    "stack-balanced": Check("after an emulated call RSP is that of a real call"),
    "registers-preserved": Check("after an emulated call the general registers are those of a real call"),
    "flags-preserved": Check("after an emulated call RFLAGS are those of a real call", Severity.NOTE),
    "depth-in-bounds": Check("0 ≤ depth ≤ the number of slots"),
    "depth-zero-at-rest": Check("depth is 0 when nothing is pending"),
    "slot-integrity": Check("what a context pops is what it pushed"),
    "neighbours-untouched": Check("nothing writes behind the last slot through the stack"),
    "frame-intact": Check(
        "the frame that iretq pops is the one that the delivery pushed, but for what a handler rewrote"
    ),
    "no-unexpected-fault": Check("no fault, unclaimed int3 or shutdown that the scenario does not announce"),
    "injections-taken": Check("what the schedule injected was taken before the run ended", Severity.NOTE),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach of one check, at the step `moment` of `cpu`; `detail` is one sentence with the values."""

    moment: int
    check: str
    severity: Severity
    cpu: int
    detail: str
