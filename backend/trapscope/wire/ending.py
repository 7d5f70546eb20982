"""How a run ended, on the wire: in the session's status and in the last line of a trace."""

from __future__ import annotations

from typing import Final

from trapscope.core.machine import MachineCheckInProgress, TripleFault
from trapscope.core.session import ending as core
from trapscope.core.session.ending_words import why_it_ended
from trapscope.core.session.next_run import next_run
from trapscope.core.types import RunSpec
from trapscope.wire.events import Finding, finding_object
from trapscope.wire.values import FetchName, Frozen


class NextRun(Frozen):
    """What to look at next. An empty `schedule` is the scenario's own."""

    words: str
    scenario: str
    design: str
    variants: list[str]
    fetch: FetchName
    schedule: str


class Ending(Frozen):
    """`first` broke first; `rest` are the other violations, then the notes. `why` is that in words, with the values.

    `cause` says what kept the run from its end: standstill, loop, too-long, shutdown, cut; null where it got there.
    """

    first: Finding | None
    rest: list[Finding]
    cause: str | None
    why: str
    next: NextRun


_CAUSES: Final = {
    core.Standstill: "standstill",
    core.Loop: "loop",
    core.TooLong: "too-long",
    TripleFault: "shutdown",
    MachineCheckInProgress: "shutdown",
    core.Cut: "cut",
}


def ending_model(ending: core.Ending, spec: RunSpec) -> Ending:
    """The ending of a run of that spec."""
    following = next_run(spec, ending.verdict)
    return Ending(
        first=None if ending.first is None else Finding(**finding_object(ending.first)),
        rest=[Finding(**finding_object(finding)) for finding in ending.rest],
        cause=None if ending.cause is None else _CAUSES[type(ending.cause)],
        why=why_it_ended(ending, spec),
        next=NextRun(
            words=following.words,
            scenario=following.scenario,
            design=following.design,
            variants=list(following.variants),
            fetch=following.fetch.value,
            schedule=following.schedule,
        ),
    )
