"""A run as JSON lines: everything that anybody needs to check it without us.

The guest's ELF, the `memory` lines and the `state` lines give every byte and register at moment 0; each step's deltas
lead to the next. What a CPU holds back is told at moment 0 and behind the step, or the injection, that changed it.
Addresses, registers and bytes are lower-case hex text; counts are numbers. An event or a check's
finding follows the step that raised it. Lines end in a newline.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import Any, Final, TypeVar

from trapscope import __version__
from trapscope.core.image import Image
from trapscope.core.lens import Event, Finding, Lane
from trapscope.core.session import Session
from trapscope.core.trace import Memory
from trapscope.core.types import KERNEL_MAP, RAM_BASE, RAM_SIZE, REGISTERS, Severity, Step, StepKind
from trapscope.wire.ending import ending_model
from trapscope.wire.events import event_object, finding_object
from trapscope.wire.held import held_object
from trapscope.wire.values import hex_text

#: Raised when a line's meaning changes; a line or a field more is no change.
FORMAT: Final = 2

#: The one device that is stored to in a run; what there is in `device` of a write.
_DEVICE: Final = "apic"

_Told = TypeVar("_Told", Event, Finding)

#: A shorter run of equal bytes inside a range costs less than another line.
_DIFFERENT: Final = re.compile(rb"[^\0]+(?:\0{1,63}[^\0]+)*")


class JsonLines:
    """The first `length` steps of a session."""

    def __init__(self, session: Session, length: int) -> None:
        self._session, self._length = session, length

    def head(self) -> Iterator[str]:
        """The header, and what the machine looked like at moment 0."""
        return prologue(self._session)

    def steps(self, first: int, end: int) -> Iterator[str]:
        """Steps first … end-1, each followed by its events and findings."""
        return step_lines(self._session, first, end)

    def tail(self) -> Iterator[str]:
        """How the run ended, where this is all of it."""
        return epilogue(self._session) if self._length == len(self._session.trace) else iter(())


def lines(session: Session) -> Iterator[str]:
    """The whole run so far; with the `end` line if it has ended."""
    yield from prologue(session)
    yield from step_lines(session, 0, len(session.trace))
    yield from epilogue(session)


def prologue(session: Session) -> Iterator[str]:
    """The header, and what the machine looked like at moment 0."""
    spec, image = session.spec, session.image
    yield _line(
        type="header",
        format=FORMAT,
        version=__version__,
        scenario=spec.scenario,
        design=spec.design,
        variants=list(spec.variants),
        fetch=spec.fetch.value,
        cpus=spec.cpus,
        guest=image.sha256,
    )
    for cpu, regs in enumerate(session.state0.regs):
        yield _line(type="state", n=0, cpu=cpu, regs=dict(zip(REGISTERS, map(hex_text, regs), strict=True)))
    for address, data in _unlike_the_elf(image, session.state0.memory):
        yield _line(type="memory", n=0, addr=hex_text(address), bytes=data.hex())
    for held in takewhile(lambda held: held.moment == 0, session.held):
        yield _line(type="held", **held_object(held))


def step_lines(session: Session, first: int, end: int) -> Iterator[str]:
    """Steps first … end-1, each followed by its events, findings and what is held back from then on.

    All of a run's steps: 0, len(trace).
    """
    all_held = session.held
    holdings = iter(all_held[bisect_right(all_held, first, key=lambda held: held.moment) :])
    held = next(holdings, None)
    events = _from(session.events, first)
    findings = _from(session.findings, first)
    event, finding = next(events, None), next(findings, None)
    for step in session.trace.steps(first, end):
        lane = session.lanes[session.lane_of[step.moment]]
        yield _line(**_step_object(session.image, step, lane))
        while event is not None and event.moment == step.moment:
            yield _line(type="event", **event_object(event))
            event = next(events, None)
        while finding is not None and finding.moment == step.moment:
            yield _line(type="check", **finding_object(finding))
            finding = next(findings, None)
        while held is not None and held.moment == step.moment + 1:
            yield _line(type="held", **held_object(held))
            held = next(holdings, None)


def epilogue(session: Session) -> Iterator[str]:
    """How the run ended; nothing while it has not."""
    if session.verdict is None or session.ending is None:
        return
    severities = [finding.severity for finding in session.findings]
    yield _line(
        type="end",
        steps=len(session.trace),
        verdict=session.verdict.value,
        violations=severities.count(Severity.VIOLATION),
        notes=severities.count(Severity.NOTE),
        schedule=session.schedule if session.is_named else None,
        hash=session.hash,
        ending=ending_model(session.ending, session.spec).model_dump(mode="json"),
    )


def _step_object(image: Image, step: Step, lane: Lane) -> dict[str, Any]:
    told: dict[str, Any] = {
        "type": "step", "n": step.moment, "cpu": step.cpu, "kind": step.kind.value, "rip": hex_text(step.rip),
        "symbol": image.name(step.rip),
    }  # fmt: skip
    if step.kind is StepKind.INSN:
        source = image.line(step.rip)
        told["source"] = None if source is None else str(source)
        told["bytes"] = step.code.hex()
        told["text"] = image.disassembler.text(step.rip, step.code)
    else:
        told["vector"] = step.vector
        if step.error_code >= 0:
            told["error_code"] = hex_text(step.error_code)
    told |= {"context": lane.context.value, "trap": lane.trap, "task": lane.task}
    told["regs"] = {REGISTERS[change.register]: hex_text(change.new) for change in step.regs}
    told["writes"] = [
        *({"addr": hex_text(w.addr), "old": w.old.hex(), "new": w.new.hex()} for w in step.writes),
        *({"device": _DEVICE, "addr": hex_text(w.addr), "new": w.new.hex()} for w in step.device),
    ]
    return told


def _unlike_the_elf(image: Image, memory: Memory) -> Iterator[tuple[int, bytes]]:
    """Ranges of RAM, by address in the kernel mapping, that are not as the ELF's segments alone would leave them."""
    loaded = bytearray(RAM_SIZE)
    for segment in image.segments:
        start = segment.paddr - RAM_BASE
        if start >= 0:
            loaded[start : start + len(segment.data)] = segment.data
    now = memory.read(KERNEL_MAP + RAM_BASE, RAM_SIZE)
    unlike = (int.from_bytes(now, "big") ^ int.from_bytes(loaded, "big")).to_bytes(RAM_SIZE, "big")
    for match in _DIFFERENT.finditer(unlike):
        yield KERNEL_MAP + RAM_BASE + match.start(), now[match.start() : match.end()]


def _from(items: Iterable[_Told], first: int) -> Iterator[_Told]:
    return (item for item in items if item.moment >= first)


def _line(**fields: Any) -> str:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False) + "\n"
