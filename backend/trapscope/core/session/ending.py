"""How a run ended, for whoever wants to know why: what broke first, what else did, what kept it from ending.

Plain values without prose; the words are in `ending_words`. Made once, from a run that is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trapscope.core.image import Image
from trapscope.core.lens import Finding
from trapscope.core.lens.accesses import Accesses
from trapscope.core.machine import ShutdownCause
from trapscope.core.trace import Trace
from trapscope.core.types import RFLAGS, RIP, Severity, Verdict

_IF: Final = 1 << 9
#: How far back a loop is looked for, in the steps of one CPU; and how often it must have gone round to be one.
_LOOP_STEPS: Final = 8192
_TURNS: Final = 3
_WAIT_STEPS: Final = 64
#: So many functions of what goes round are named.
_NAMED: Final = 6


@dataclass(frozen=True, slots=True)
class Wait:
    """A CPU at a standstill: where, for which variable that it reads again and again ("" for none), and its value.

    `answers` is the CPU that should change the variable, -1 where the guest's own tables do not say which.
    """

    cpu: int
    function: str
    halted: bool
    interrupts_off: bool
    variable: str
    value: int
    answers: int


@dataclass(frozen=True, slots=True)
class Standstill:
    """Every CPU waits, or the one that a schedule's token wants to step does."""

    waits: tuple[Wait, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """The last steps of a CPU are one piece again and again: how long it is, how often, and what it passes through."""

    cpu: int
    steps: int
    times: int
    functions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TooLong:
    """The steps were used up and nothing goes round: the run is long, or was given few."""

    budget: int


@dataclass(frozen=True, slots=True)
class Cut:
    """The schedule ended before the scenario did."""

    moment: int


Cause = Standstill | Loop | TooLong | ShutdownCause | Cut


@dataclass(frozen=True, slots=True)
class Ending:
    """`first` is the earliest violation; `rest` the other violations and then the notes, each by moment."""

    verdict: Verdict
    first: Finding | None
    rest: tuple[Finding, ...]
    cause: Cause | None


def ending_of(
    image: Image,
    trace: Trace,
    findings: Sequence[Finding],
    verdict: Verdict,
    *,
    whole: bool,
    shutdown: ShutdownCause | None = None,
) -> Ending:
    """Of a run that is over; `whole`: the scenario came to its end; `shutdown`: why a CPU gave up, if one did."""
    broken = sorted((f for f in findings if f.severity is Severity.VIOLATION), key=lambda f: f.moment)
    notes = sorted((f for f in findings if f.severity is not Severity.VIOLATION), key=lambda f: f.moment)
    return Ending(
        verdict, broken[0] if broken else None, (*broken[1:], *notes), shutdown or _cause(image, trace, verdict, whole)
    )


def _cause(image: Image, trace: Trace, verdict: Verdict, whole: bool) -> Cause | None:
    if not len(trace):
        return None if whole else Cut(0)
    last = trace.step(len(trace) - 1)
    if verdict is Verdict.STUCK:
        return Standstill(tuple(_wait(image, trace, cpu) for cpu in range(len(trace.head.regs))))
    if verdict is Verdict.OUT_OF_STEPS:
        return _loop(image, trace, last.cpu) or TooLong(len(trace))
    return None if whole else Cut(len(trace))


def _own_steps(trace: Trace, cpu: int, most: int) -> NDArray[np.int64]:
    return np.flatnonzero(trace.columns.cpu == cpu)[-most:]


def _wait(image: Image, trace: Trace, cpu: int) -> Wait:
    regs, memory = trace.head.regs[cpu], trace.head.memory
    own = [trace.step(int(moment)) for moment in _own_steps(trace, cpu, _WAIT_STEPS)]
    halted = bool(own) and own[-1].code == b"\xf4"
    loads: list[tuple[int, int]] = []
    if own and not halted:
        # Back to where the CPU last stood on the same instruction: one turn of its loop.
        turn = next((at for at in range(len(own) - 2, -1, -1) if own[at].rip == own[-1].rip), -1)
        accesses = Accesses(image.disassembler)
        for step in own[turn + 1 :] if turn >= 0 else ():
            loads += accesses.loads(step, trace.seek(step.moment + 1))
    variable, value, answers = "", 0, -1
    for address, size in loads:
        if image.locate(address) is not None:
            variable, value = image.name(address) or "", int.from_bytes(memory.read(address, size), "little")
            answers = _answers(image, address)
    function = (image.name(regs[RIP]) or f"{regs[RIP]:#x}").partition("+")[0]
    return Wait(cpu, function, halted, not regs[RFLAGS] & _IF, variable, value, answers)


def _answers(image: Image, address: int) -> int:
    """The guest's `call_data[n]` is CPU n's letter box: who waits for it waits for CPU n."""
    boxes, size = image.find("call_data"), image.struct("call_single_data").size
    if boxes is None or not boxes.address <= address < boxes.address + boxes.size:
        return -1
    return (address - boxes.address) // size


def _told_apart(trace: Trace, steps: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number for each step: equal for the same instruction, or the same delivery."""
    columns = trace.columns
    numbers: NDArray[np.int64] = columns.code[steps].astype(np.int64) * 512 + columns.vector[steps]
    return numbers


def _loop(image: Image, trace: Trace, cpu: int) -> Loop | None:
    own = _own_steps(trace, cpu, _LOOP_STEPS)
    told = _told_apart(trace, own)
    length = len(told)
    for period in range(1, length // _TURNS + 1):
        same = told[period:] == told[:-period]
        if not same[-period * (_TURNS - 1) :].all():
            continue
        functions = dict.fromkeys(
            (image.name(trace.step(int(moment)).rip) or "?").partition("+")[0] for moment in own[-period:]
        )
        return Loop(cpu, period, _turns(trace, cpu, period), tuple(functions)[:_NAMED])
    return None


def _turns(trace: Trace, cpu: int, period: int) -> int:
    """How often the CPU's last `period` steps came in a row at the end."""
    told = _told_apart(trace, _own_steps(trace, cpu, len(trace)))
    differs = np.flatnonzero(told[period:] != told[:-period])
    return (len(told) - (int(differs[-1]) + 1 if len(differs) else 0)) // period
