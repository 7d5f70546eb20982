"""Steps written by hand: a tape knows the registers and memory so far and fills in every old value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trapscope.core.machine import Code
from trapscope.core.trace import Memory, State, Trace
from trapscope.core.types import (
    MASK64,
    RAM_BASE,
    RAM_SIZE,
    REGISTER_INDEX,
    REGISTERS,
    RIP,
    DeviceWrite,
    RegisterChange,
    Step,
    StepKind,
    Write,
    ram_offset,
)
from trapscope.wire.batch import Decoded, encode_steps
from trapscope.wire.batch_reader import Batch

TEXT = 0xFFFFFFFF80000000 + RAM_BASE
ALIAS = 0xFFFF888000000000 + RAM_BASE


def state_at(rips: list[int], memory: dict[int, bytes] | None = None, **registers: int) -> State:
    """A state with one CPU for each RIP; every CPU has the given registers, the rest is 0."""
    ram = bytearray(RAM_SIZE)
    for addr, data in (memory or {}).items():
        offset = ram_offset(addr)
        ram[offset : offset + len(data)] = data
    files = [[registers.get(name, 0) for name in REGISTERS] for _ in rips]
    for file, rip in zip(files, rips, strict=True):
        file[RIP] = rip
    return State(files, Memory.of(bytes(ram)))


class Tape:
    """Steps from `first` on, each applied as it is written down."""

    def __init__(self, start: State, first: int = 0) -> None:
        self.start = start.copy()
        self.first = first
        self.steps: list[Step] = []
        self.lanes: list[int] = []
        self.codes: list[Code] = []
        self._state = start.copy()

    def insn(
        self,
        cpu: int,
        code: bytes,
        lane: int = 0,
        writes: list[tuple[int, bytes]] | None = None,
        device: list[tuple[int, bytes]] | None = None,
        **new: int,
    ) -> None:
        """One instruction: falls through unless `rip` is given."""
        rip = self._state.regs[cpu][RIP]
        if (rip, code) not in self.codes:
            self.codes.append((rip, code))
        self._add(
            cpu, StepKind.INSN, code, -1, -1, lane, writes, {"rip": (rip + len(code)) & MASK64, **new}, device or []
        )

    def delivery(
        self,
        cpu: int,
        vector: int,
        lane: int = 0,
        error_code: int = -1,
        writes: list[tuple[int, bytes]] | None = None,
        **new: int,
    ) -> None:
        """The CPU takes an exception or interrupt."""
        self._add(cpu, StepKind.DELIVERY, b"", vector, error_code, lane, writes, new)

    @property
    def batch(self) -> Batch:
        return Batch(tuple(self.steps), tuple(self.lanes))

    @property
    def trace(self) -> Trace:
        """The steps as a trace keeps them, which counts from 0."""
        trace = Trace(self.start)
        for moment, step in enumerate(self.steps):
            trace.append(step._replace(moment=moment))
        return trace

    @property
    def frame(self) -> bytes:
        """The steps as they travel; a code's id is where it stands in `codes`."""
        ids = [self.codes.index((step.rip, step.code)) if step.code else -1 for step in self.steps]
        decoded = Decoded(np.array(ids, np.int64), np.array([len(step.code) for step in self.steps], np.uint64))
        return encode_steps(
            self.first, self.trace.between(0, len(self.steps)), decoded, np.array(self.lanes, np.uint32)
        )

    @property
    def end(self) -> State:
        return self._state.copy()

    def _add(
        self,
        cpu: int,
        kind: StepKind,
        code: bytes,
        vector: int,
        error_code: int,
        lane: int,
        writes: list[tuple[int, bytes]] | None,
        new: dict[str, int],
        device: Sequence[tuple[int, bytes]] = (),
    ) -> None:
        regs = self._state.regs[cpu]
        rip = regs[RIP]
        wanted = sorted((REGISTER_INDEX[name], value) for name, value in new.items())
        changes = tuple(RegisterChange(i, regs[i], value) for i, value in wanted if regs[i] != value)
        stored: list[Write] = []
        for addr, data in writes or []:
            stored.append(Write(addr, self._state.memory.read(addr, len(data)), data))
            self._state.memory.write(addr, data)
        for change in changes:
            regs[change.register] = change.new
        moment = self.first + len(self.steps)
        self.steps.append(
            Step(
                moment,
                cpu,
                kind,
                rip,
                code,
                vector,
                error_code,
                changes,
                tuple(stored),
                tuple(DeviceWrite(*write) for write in device),
            )
        )
        self.lanes.append(lane)
