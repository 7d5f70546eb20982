"""Answers to questions about a recorded run: who wrote this, when does that happen, why is this value here.

A *target* is a place as text: `rax@0` (a register of a CPU; `al@0`, `rflags[zf]@0` are parts of one), `depth@0` and
`slots[1]@0` (of the int3 stack that CPU 0 would use at that moment), `0xffffffff81002000+8` (an address and a length
in bytes), `report+0x10:4` (a symbol, an offset, a length), `modifying_ftrace_code` (all of a variable), `traced_fn`
(an address to execute: its code). A *moment* is a number, an event's name, or `EVENT:N` for its N-th; an event names
the moment right after its step.
"""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypeAliasType

from trapscope.wire.events import LensEvent
from trapscope.wire.values import ContextName, Count, Cpu, Frozen, Hex, HexBytes, Moment

Question = TypeAliasType(
    "Question",
    Literal["last-write", "next-write", "last-change", "next-change", "previous-execution", "next-execution"],
)
SourceRole = TypeAliasType(
    "SourceRole",
    Literal[
        "data",  # the value came from there
        "part",  # some of the value's bytes came from there, others from elsewhere
        "flags",  # a condition that chose
        "code",  # the instruction's own bytes, which were written in this run
        "cause",  # what was stored to the local APIC of the CPU that sent the interrupt
        "address",  # where to load, store or go
    ],
)
EndCode = TypeAliasType(
    "EndCode",
    Literal[
        "start",  # no step of this run wrote it: it is as it was at moment 0
        "constant",  # the instruction itself says it
        "device",  # a device answered: the local APIC
        "untracked",  # it came from state that the trace does not record (a control register, say)
        "limit",  # there is more, and nobody asked for so much
    ],
)


class Value(Frozen):
    """A value in the trace. `hex` is the little-endian number, null where it is longer than 8 bytes."""

    hex: Hex | None
    bytes: HexBytes
    symbol: str | None


class Cause(Frozen):
    """Why an interrupt was delivered: somebody's `store` to an ICR, or the `schedule` injected it.

    `moment` is the step that stored, or the moment of the injection; null for what was pending at moment 0 (`before`).
    """

    by: Literal["store", "schedule", "before"]
    moment: Moment | None


class TracedStep(Frozen):
    """A step, with where it belongs. `n` is the moment before it.

    Of a delivery, `vector` is its number, `bytes` is empty and `text` null; of an instruction `vector` is null.
    `written` are the steps that wrote the version of the bytes that it was decoded from, none where that is how they
    were at moment 0; `stale` says that memory held newer ones. `cause` is of the delivery of an interrupt.
    """

    n: Moment
    cpu: Cpu
    kind: Literal["insn", "delivery"]
    rip: Hex
    symbol: str | None
    file: str | None
    line: Count | None
    bytes: HexBytes
    text: str | None
    vector: Count | None
    context: ContextName
    trap: Count
    task: str
    written: list[Moment]
    stale: bool
    cause: Cause | None


class Source(Frozen):
    """What a link's step took: the link of that id."""

    role: SourceRole
    link: Count


class End(Frozen):
    """Why a link leads no further; `words` says it for people."""

    code: EndCode
    words: str


class Link(Frozen):
    """One value of the chain: at moment `at` the target holds it, and `step` is what produced it.

    `step` is null where nothing did (`end`), or several steps did: then every source has the role `part`. `at` is the
    first moment at which the value was there; of link 0, the one asked about. `name` is the target for people.
    """

    id: Count
    target: str
    name: str
    at: Moment
    value: Value
    step: TracedStep | None
    end: End | None
    sources: list[Source]


class Why(Frozen):
    """Where a value came from. `links[id]` has that id; 0 is the value asked for.

    `path` is the main line: ids from 0 on, each a source of the one before. `limited` says that some link's `end` is
    the limit.
    """

    target: str
    at: Moment
    links: list[Link]
    path: list[Count]
    limited: bool


class Found(Frozen):
    """The step that answers a question, null where there is none.

    `old` and `new` are the target's value before and after it; null without a step, and of an execution. Of a store to
    the local APIC `new` is what was stored, and `old` is null: a device is no memory.
    """

    question: Question
    target: str
    at: Moment
    step: TracedStep | None
    old: Value | None
    new: Value | None


class EventList(Frozen):
    """Events of a kind, in order; `total` counts all in the range, of which the first are listed."""

    total: Count
    events: list[LensEvent]
