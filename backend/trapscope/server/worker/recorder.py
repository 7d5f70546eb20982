"""Turns what a session has done since last time into a chunk of the log: JSON text and the frame of its steps.

Runs in the engine process. Ids of instructions and lanes count up over the session, so chunks are made in order and
each entry is told once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from trapscope.core.machine import Code
from trapscope.core.session import Session
from trapscope.wire.batch import Decoded, encode_steps
from trapscope.wire.events import event_object, finding_object, told_object
from trapscope.wire.held import held_object
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
        self._ids = np.empty(0, np.int64)
        """By the trace's number of a code, its id: instructions count up, deliveries have none."""
        self._lengths = np.empty(0, np.uint64)
        self._steps = self._lanes = self._events = self._findings = self._held = 0

    @property
    def has_news(self) -> bool:
        """Whether anything happened that no chunk has told yet."""
        session = self._session
        return (self._steps, self._events, self._findings, self._held) != (
            len(session.trace),
            len(session.events),
            len(session.findings),
            len(session.held),
        )

    def chunk(self) -> Chunk:
        """Everything since the last chunk."""
        session = self._session
        first, end = self._steps, len(session.trace)
        insns = self._learn(session.trace.code_table[len(self._ids) :])
        steps = session.trace.between(first, end)
        decoded = Decoded(self._ids[steps.code], self._lengths[steps.code])
        frame = encode_steps(first, steps, decoded, np.array(session.lane_of[first:end], np.uint32))
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
            "told": [told_object(told) for told in session.told[self._events :]],
            "findings": [finding_object(finding) for finding in session.findings[self._findings :]],
            "held": [held_object(held) for held in session.held[self._held :]],
        }
        self._steps, self._lanes = end, len(session.lanes)
        self._events, self._findings, self._held = len(session.events), len(session.findings), len(session.held)
        return Chunk(first, end - first, json.dumps(told, separators=(",", ":")).encode(), frame)

    def _learn(self, codes: list[Code]) -> list[dict[str, Any]]:
        """Number what was executed for the first time; returns the instructions among them, as they are told."""
        lengths = np.array([len(code) for _, code in codes], np.uint64)
        known = int(np.count_nonzero(self._lengths))
        self._ids = np.concatenate((self._ids, known - 1 + np.cumsum(lengths != 0)))
        self._lengths = np.concatenate((self._lengths, lengths))
        instructions = [(rip, code) for rip, code in codes if code]
        return [self._insn(number, rip, code) for number, (rip, code) in enumerate(instructions, known)]

    def _insn(self, number: int, rip: int, code: bytes) -> dict[str, Any]:
        image = self._session.image
        line = image.line(rip)
        return {
            "id": number,
            "rip": hex_text(rip),
            "bytes": code.hex(),
            "text": image.disassembler.text(rip, code),
            "symbol": image.name(rip),
            "file": None if line is None else line.file,
            "line": None if line is None else line.line,
        }
