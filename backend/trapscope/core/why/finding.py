"""The plain questions: who touched a place last before a moment, or next from it; when code ran or will run."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from trapscope.core.errors import BadInput
from trapscope.core.trace import TraceIndex
from trapscope.core.why.place import Bytes, Place, Register, is_device


class Question(StrEnum):
    """`last` and `previous` are of the steps before the moment, `next` of those from it on."""

    LAST_WRITE = "last-write"
    NEXT_WRITE = "next-write"
    LAST_CHANGE = "last-change"
    NEXT_CHANGE = "next-change"
    PREVIOUS_EXECUTION = "previous-execution"
    NEXT_EXECUTION = "next-execution"


class Found(NamedTuple):
    """The step, if there is one, and the place's value around it (None for an execution), in memory's order."""

    step: int | None
    old: bytes | None
    new: bytes | None


def write(index: TraceIndex, question: Question, place: Place, moment: int, cpu: int | None = None) -> Found:
    """The last or next write; raises BadInput for a register, ValueError for bytes outside RAM and the local APIC.

    `cpu` is for the local APIC, of which every CPU has its own.
    """
    if not isinstance(place, Bytes):
        raise BadInput(
            f"{place} is a register, which nobody writes as memory is: ask for its last-change or next-change"
        )
    if is_device(place):
        return _device_write(index, question, place, moment, cpu)
    ask = index.last_write if question is Question.LAST_WRITE else index.next_write
    found = ask(place.address, place.length, moment)
    if found is None:
        return Found(None, None, None)
    step = index.step_of_write(found)
    old, new = (index.memory(place.address, place.length, at) for at in (step, step + 1))
    return Found(step, old, new)


def _device_write(index: TraceIndex, question: Question, place: Bytes, moment: int, cpu: int | None) -> Found:
    """A store to the local APIC: `new` is what was stored, and there is no `old`."""
    ask = index.last_device_write if question is Question.LAST_WRITE else index.next_device_write
    step = ask(place.address, place.length, moment, cpu)
    if step is None:
        return Found(None, None, None)
    return Found(
        step,
        None,
        next(write.new for write in index.columns.device[step] if write.touches(place.address, place.length)),
    )


def change(index: TraceIndex, question: Question, place: Place, moment: int) -> Found:
    """The last or next change; raises BadInput for memory."""
    if not isinstance(place, Register):
        raise BadInput(f"{place} is memory: ask for its last-write or next-write")
    ask = index.last_change if question is Question.LAST_CHANGE else index.next_change
    found = ask(place.cpu, place.register, moment, place.mask)
    if found is None:
        return Found(None, None, None)
    old, new = (place.value(int(column[found])) for column in (index.columns.reg_old, index.columns.reg_new))
    return Found(index.step_of_change(found), old.to_bytes(place.size, "little"), new.to_bytes(place.size, "little"))


def execution(index: TraceIndex, question: Question, code: Bytes, moment: int, cpu: int | None) -> Found:
    """The previous or next instruction that begins in the bytes, on one CPU or on any."""
    ask = index.previous_execution if question is Question.PREVIOUS_EXECUTION else index.next_execution
    return Found(ask(code.address, code.address + code.length, moment, cpu), None, None)
