"""The append-only log of steps, in columns, with a keyframe every `KEYFRAME_INTERVAL` steps.

A step costs some tens of bytes here, not a Python object; `step(n)` makes the object when somebody looks.
"""

from __future__ import annotations

import hashlib
import struct
from array import array
from collections.abc import Iterator
from typing import Final

from trapscope.core.trace.memory import Memory, Pages
from trapscope.core.trace.state import State
from trapscope.core.types import RegisterChange, Step, StepKind, Write

KEYFRAME_INTERVAL: Final = 128


class Trace:
    """Steps 0 … len-1, the states between them, and the running hash that names the run."""

    def __init__(self, start: State) -> None:
        self._head = start.copy()
        self._keyframes: list[tuple[tuple[tuple[int, ...], ...], Pages]] = []
        self.code_table: list[tuple[int, bytes]] = []
        """Every (address, bytes as decoded) that was executed, in the order of first execution."""
        self.code_of = array("I")
        """Per step, the index into code_table; for a delivery that of (rip, b"")."""
        self._code_ids: dict[tuple[int, bytes], int] = {}
        self._cpu = bytearray()
        self._vector = array("h")
        self._error_code: dict[int, int] = {}
        self._register = bytearray()
        self._reg_old = array("Q")
        self._reg_new = array("Q")
        self._reg_end = array("I", [0])
        self._write_addr = array("Q")
        self._write_bytes = bytearray()
        self._write_at = array("I", [0])
        self._write_end = array("I", [0])
        self._digest = hashlib.sha256(bytes.fromhex(start.digest()))
        self._hashed = 0
        self._keep_keyframe()

    def __len__(self) -> int:
        return len(self._cpu)

    @property
    def head(self) -> State:
        """The state after the last step. Look, but change it only by `append`."""
        return self._head

    def append(self, step: Step) -> None:
        """Add the next step; raises ValueError if it is not the next one."""
        if step.moment != len(self._cpu):
            raise ValueError(f"step {step.moment} does not follow step {len(self._cpu) - 1}")
        key = (step.rip, step.code)
        code_id = self._code_ids.get(key)
        if code_id is None:
            code_id = self._code_ids[key] = len(self.code_table)
            self.code_table.append(key)
        self.code_of.append(code_id)
        self._cpu.append(step.cpu)
        self._vector.append(step.vector)
        if step.error_code >= 0:
            self._error_code[step.moment] = step.error_code
        for change in step.regs:
            self._register.append(change.register)
            self._reg_old.append(change.old)
            self._reg_new.append(change.new)
        self._reg_end.append(len(self._register))
        for write in step.writes:
            self._write_addr.append(write.addr)
            self._write_bytes += write.old
            self._write_bytes += write.new
            self._write_at.append(len(self._write_bytes))
        self._write_end.append(len(self._write_addr))
        self._head.apply(step)
        if len(self._cpu) % KEYFRAME_INTERVAL == 0:
            self._keep_keyframe()

    def step(self, moment: int) -> Step:
        """Step `moment`; raises IndexError outside 0 … len-1."""
        if not 0 <= moment < len(self._cpu):
            raise IndexError(f"no step {moment}: the trace has {len(self._cpu)}")
        rip, code = self.code_table[self.code_of[moment]]
        vector = self._vector[moment]
        regs = tuple(
            RegisterChange(self._register[i], self._reg_old[i], self._reg_new[i])
            for i in range(self._reg_end[moment], self._reg_end[moment + 1])
        )
        writes = tuple(self._write(i) for i in range(self._write_end[moment], self._write_end[moment + 1]))
        kind = StepKind.INSN if vector < 0 else StepKind.DELIVERY
        return Step(moment, self._cpu[moment], kind, rip, code, vector, self._error_code.get(moment, -1), regs, writes)

    def steps(self, first: int = 0, end: int | None = None) -> Iterator[Step]:
        """Steps first … end-1 (to the last one where `end` is None)."""
        for moment in range(first, len(self._cpu) if end is None else end):
            yield self.step(moment)

    def seek(self, moment: int) -> State:
        """The state at `moment`, a copy: one keyframe and at most KEYFRAME_INTERVAL - 1 steps."""
        if not 0 <= moment <= len(self._cpu):
            raise IndexError(f"no moment {moment}: the trace ends at {len(self._cpu)}")
        regs, pages = self._keyframes[moment // KEYFRAME_INTERVAL]
        state = State(regs, Memory(pages))
        for n in range(moment - moment % KEYFRAME_INTERVAL, moment):
            self._apply(state, n)
        return state

    @property
    def hash(self) -> str:
        """SHA-256 over the starting state and every record so far, in hex; the name of this run."""
        for step in self.steps(self._hashed):
            self._digest.update(_record(step))
        self._hashed = len(self._cpu)
        return self._digest.copy().hexdigest()

    def _apply(self, state: State, moment: int) -> None:
        regs = state.regs[self._cpu[moment]]
        for i in range(self._reg_end[moment], self._reg_end[moment + 1]):
            regs[self._register[i]] = self._reg_new[i]
        for i in range(self._write_end[moment], self._write_end[moment + 1]):
            write = self._write(i)
            state.memory.write(write.addr, write.new)

    def _write(self, index: int) -> Write:
        start, end = self._write_at[index], self._write_at[index + 1]
        middle = (start + end) // 2
        return Write(
            self._write_addr[index], bytes(self._write_bytes[start:middle]), bytes(self._write_bytes[middle:end])
        )

    def _keep_keyframe(self) -> None:
        regs = tuple(tuple(file) for file in self._head.regs)
        self._keyframes.append((regs, self._head.memory.snapshot()))


def _record(step: Step) -> bytes:
    """One step as bytes, for the hash: every field, little-endian, lengths before what varies in length."""
    parts = [
        struct.pack(
            "<BBQhiBB",
            step.cpu,
            step.kind is StepKind.DELIVERY,
            step.rip,
            step.vector,
            step.error_code,
            len(step.code),
            len(step.regs),
        ),
        step.code,
    ]
    parts += [struct.pack("<BQQ", change.register, change.old, change.new) for change in step.regs]
    for write in step.writes:
        parts += [struct.pack("<QB", write.addr, len(write.new)), write.old, write.new]
    return b"".join(parts)
