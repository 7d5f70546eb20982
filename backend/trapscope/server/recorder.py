"""Turns what a session has done since last time into a chunk of the log: JSON text and the frame of its steps.

Runs in the engine process. Ids of instructions and lanes count up over the session, so chunks are made in order and
each entry is told once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from trapscope.core.session import Session
from trapscope.wire.batch import Batch, Code, encode_steps
from trapscope.wire.events import event_object, finding_object
from trapscope.wire.values import hex_text


@dataclass(frozen=True, slots=True)
class Chunk:
    """Steps [first, first + count): the `chunk` message's text and the binary frame that follows it."""

    first: int
    count: int
    text: bytes
    frame: bytes


class Recorder:
    """Remembers how far the session has been told."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._code_ids: dict[Code, int] = {}
        self._steps = self._lanes = self._events = self._findings = 0

    @property
    def has_news(self) -> bool:
        """Whether anything happened that no chunk has told yet."""
        session = self._session
        return (self._steps, self._events, self._findings) != (
            len(session.trace),
            len(session.events),
            len(session.findings),
        )

    def chunk(self) -> Chunk:
        """Everything since the last chunk."""
        session = self._session
        first, end = self._steps, len(session.trace)
        steps = tuple(session.trace.steps(first, end))
        insns: list[dict[str, Any]] = []
        for step in steps:
            code = (step.rip, step.code)
            if step.code and code not in self._code_ids:
                self._code_ids[code] = len(self._code_ids)
                insns.append(self._insn(*code))
        frame = encode_steps(first, Batch(steps, tuple(session.lane_of[first:end])), self._code_ids.__getitem__)
        told = {
            "type": "chunk",
            "first": first,
            "count": end - first,
            "insns": insns,
            "lanes": [
                {"id": number, "context": lane.context.value, "trap": lane.trap, "task": lane.task}
                for number, lane in enumerate(session.lanes[self._lanes :], self._lanes)
            ],
            "events": [event_object(event) for event in session.events[self._events :]],
            "findings": [finding_object(finding) for finding in session.findings[self._findings :]],
        }
        self._steps, self._lanes = end, len(session.lanes)
        self._events, self._findings = len(session.events), len(session.findings)
        return Chunk(first, end - first, json.dumps(told, separators=(",", ":")).encode(), frame)

    def _insn(self, rip: int, code: bytes) -> dict[str, Any]:
        image = self._session.image
        line = image.line(rip)
        return {
            "id": self._code_ids[rip, code],
            "rip": hex_text(rip),
            "bytes": code.hex(),
            "text": image.disassembler.text(rip, code),
            "symbol": image.name(rip),
            "file": None if line is None else line.file,
            "line": None if line is None else line.line,
        }
