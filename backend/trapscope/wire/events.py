"""Events and findings as they look on the wire: tagged by `event`, 64-bit values as hex text.

The shape is that of the lines of `--format jsonl` without their `type`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from trapscope.wire.values import ContextName, Count, Cpu, Frozen, Hex, HexBytes, Moment, SeverityName


class EventBase(Frozen):
    """Moment and CPU of the step that meant something."""

    n: Moment
    cpu: Cpu


class Frame(Frozen):
    """The five words that a delivery pushes and iretq pops; `addr` is that of the lowest, ip."""

    addr: Hex
    ip: Hex
    cs: Hex
    flags: Hex
    sp: Hex
    ss: Hex


class TextWrite(EventBase):
    event: Literal["text-write"]
    addr: Hex
    old: HexBytes
    new: HexBytes
    symbol: str | None


class Int3(EventBase):
    event: Literal["int3"]
    addr: Hex
    symbol: str | None
    depth: Count


class Irq(EventBase):
    event: Literal["irq"]
    vector: Count


class Nmi(EventBase):
    event: Literal["nmi"]


class FramePushed(EventBase):
    event: Literal["frame-pushed"]
    vector: Count
    frame: Frame


class FrameRewritten(EventBase):
    event: Literal["frame-rewritten"]
    field: Literal["ip", "cs", "flags", "sp", "ss"]
    old: Hex
    new: Hex
    old_symbol: str | None
    new_symbol: str | None


class PushBegun(EventBase):
    event: Literal["push-begun"]
    task: str
    index: int
    context: ContextName


class SlotPushed(EventBase):
    event: Literal["slot-pushed"]
    task: str
    index: int
    value: Hex
    depth: int
    context: ContextName


class PopBegun(EventBase):
    event: Literal["pop-begun"]
    task: str
    index: int
    context: ContextName


class SlotPopped(EventBase):
    event: Literal["slot-popped"]
    task: str
    index: int
    value: Hex
    depth: int
    context: ContextName


class StubEntered(EventBase):
    event: Literal["stub-entered"]
    stub: str


class CallEmulated(EventBase):
    event: Literal["call-emulated"]
    target: Hex
    target_symbol: str | None
    return_to: Hex
    return_symbol: str | None


class FopsCalled(EventBase):
    event: Literal["fops-called"]
    op: str
    ip: Hex
    parent_ip: Hex
    regs: bool


class FopsMissed(EventBase):
    event: Literal["fops-missed"]
    op: str
    ip: Hex


class OldBodyRan(EventBase):
    event: Literal["old-body-ran"]
    symbol: str


class Redirected(EventBase):
    event: Literal["redirected"]
    old: Hex
    new: Hex
    old_symbol: str | None
    new_symbol: str | None


class Iret(EventBase):
    event: Literal["iret"]
    frame: Frame


class Fault(EventBase):
    event: Literal["fault"]
    vector: Count
    error_code: Hex | None


class Halted(EventBase):
    event: Literal["halted"]


LensEvent = TypeAliasType(
    "LensEvent",
    Annotated[
        TextWrite
        | Int3
        | Irq
        | Nmi
        | FramePushed
        | FrameRewritten
        | PushBegun
        | SlotPushed
        | PopBegun
        | SlotPopped
        | StubEntered
        | CallEmulated
        | FopsCalled
        | FopsMissed
        | OldBodyRan
        | Redirected
        | Iret
        | Fault
        | Halted,
        Field(discriminator="event"),
    ],
)


class Finding(Frozen):
    """A check that does not hold, at the step that broke it."""

    n: Moment
    cpu: Cpu
    check: str
    severity: SeverityName
    detail: str
