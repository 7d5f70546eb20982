"""An ending in words: why, in a sentence or two, with the values. Page, report and figure say the same."""

from __future__ import annotations

from typing import assert_never

from trapscope.core.lens.checks import faults
from trapscope.core.machine import MachineCheckInProgress, TripleFault
from trapscope.core.session.ending import Cause, Cut, Ending, Loop, Standstill, TooLong, Wait
from trapscope.core.session.next_run import SHOWN
from trapscope.core.types import RunSpec, Verdict


def why_it_ended(ending: Ending, spec: RunSpec) -> str:
    """What broke first, or what kept the run from its end, or what has been shown."""
    told = []
    if ending.first is not None:
        told.append(f"{ending.first.detail}.")
    if ending.cause is not None:
        told.append(_cause(ending.cause))
        told = list(dict.fromkeys(told))  # a shutdown is a finding and a cause
    elif ending.verdict is Verdict.OK:
        told.append(SHOWN[spec.scenario].words)
    return " ".join(told)


def _cause(cause: Cause) -> str:
    match cause:
        case Standstill():
            return " ".join(_wait(wait, cause.waits) for wait in cause.waits)
        case Loop():
            names = ", ".join(cause.functions)
            return (
                f"CPU {cause.cpu} goes round: the same {cause.steps} step{'' if cause.steps == 1 else 's'}"
                f" {cause.times} times in a row, through {names}."
            )
        case TooLong():
            return f"All {cause.budget:,} steps were used, and nothing goes round: the run only needs more of them."
        case TripleFault() | MachineCheckInProgress():
            return f"{faults.shut_down(cause)}."
        case Cut():
            return f"The schedule ended at moment {cause.moment:,}, before the scenario did."
        case _:
            assert_never(cause)


def _wait(wait: Wait, waits: tuple[Wait, ...]) -> str:
    if wait.halted:
        return f"CPU {wait.cpu} is halted in {wait.function}{_deaf(wait)}."
    if not wait.variable:
        return f"CPU {wait.cpu} waits in {wait.function}{_deaf(wait)}."
    told = f"CPU {wait.cpu} waits in {wait.function} for {wait.variable}, which is {wait.value:#x}{_deaf(wait)}."
    other = next((one for one in waits if one.cpu == wait.answers), None)
    if other is None:
        return told
    does = "is halted" if other.halted else f"is in {other.function}"
    return f"{told} CPU {other.cpu} should change it, and {does}{_deaf(other)}."


def _deaf(wait: Wait) -> str:
    return ", with interrupts off" if wait.interrupts_off else ""
