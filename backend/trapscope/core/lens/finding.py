"""What a check found: a property that did not hold, the step that broke it, and why, with the values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trapscope.core.types import Severity

#: Every check, in the order in which reports list them, with what it demands.
CHECKS: Final = {
    "calls-once": "each matching ops runs exactly once per entry where the site is a call before and after the change,"
    " and at most once elsewhere",
    "no-torn-fetch": "at a patch site a CPU decodes nothing but int3, the old, or the new instruction",
    "livepatch-consistent": "the old body never runs while the live patch is in force",
    "stack-balanced": "after an emulated call RSP is that of a real call",
    "registers-preserved": "after an emulated call the general registers are those of a real call",
    "flags-preserved": "after an emulated call RFLAGS are those of a real call",
    "depth-in-bounds": "0 ≤ depth ≤ the number of slots",
    "depth-zero-at-rest": "depth is 0 when nothing is pending",
    "slot-integrity": "what a context pops is what it pushed",
    "neighbours-untouched": "nothing writes behind the last slot through the stack",
    "no-unexpected-fault": "no fault, unclaimed int3 or shutdown that the scenario does not announce",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach of one check, at the step `moment` of `cpu`; `detail` is one sentence with the values."""

    moment: int
    check: str
    severity: Severity
    cpu: int
    detail: str
