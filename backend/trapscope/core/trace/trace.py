"""The append-only log of steps, in columns, with a keyframe every `KEYFRAME_INTERVAL` steps.

A step costs some tens of bytes here, not a Python object; `step(n)` makes the object when somebody looks.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trapscope.core.machine import Block, Code
from trapscope.core.trace.column import Column
from trapscope.core.trace.columns import Columns
from trapscope.core.trace.memory import Memory, Pages
from trapscope.core.trace.playback import Playback
from trapscope.core.trace.records import records
from trapscope.core.trace.state import State
from trapscope.core.types import DeviceWrite, RegisterChange, Step, StepKind, Write

KEYFRAME_INTERVAL: Final = 256
#: Steps whose bytes are made in one go: some hundred a step.
_HASHED_AT_ONCE: Final = 8192


class Trace:
    """Steps 0 … len-1, the states between them, and the running hash that names the run."""

    def __init__(self, start: State) -> None:
        self._playback = Playback(start.copy())
        self._keyframes: list[tuple[tuple[tuple[int, ...], ...], Pages]] = []
        self.code_table: list[Code] = []
        """Every (address, bytes as decoded) that was executed, in the order of first execution."""
        self._code_ids: dict[Code, int] = {}
        self._of_machine = np.empty(0, np.int64)
        """By the machine's number of a code, ours; -1 where it was not executed yet."""
        self._cpu = Column(np.uint8)
        self._code = Column(np.uint32)
        self._vector = Column(np.int16)
        self._error_code: dict[int, int] = {}
        self._device: dict[int, tuple[DeviceWrite, ...]] = {}
        self._device_steps: list[int] = []
        """Its keys, which ascend."""
        self._change_end = Column(np.int64)
        self._register = Column(np.uint8)
        self._reg_old, self._reg_new = Column(np.uint64), Column(np.uint64)
        self._write_end = Column(np.int64)
        self._write_addr, self._write_size = Column(np.uint64), Column(np.uint8)
        self._write_old, self._write_new = Column(np.uint64), Column(np.uint64)
        self._change_end.extend((0,))
        self._write_end.extend((0,))
        self._digest = hashlib.sha256(bytes.fromhex(start.digest()))
        self._hashed = 0
        self._keep_keyframe()

    def __len__(self) -> int:
        return len(self._cpu)

    @property
    def columns(self) -> Columns:
        """All of it as arrays."""
        return Columns(
            cpu=self._cpu.values,
            code=self._code.values,
            vector=self._vector.values,
            change_end=self._change_end.values,
            register=self._register.values,
            reg_old=self._reg_old.values,
            reg_new=self._reg_new.values,
            write_end=self._write_end.values,
            write_addr=self._write_addr.values,
            write_size=self._write_size.values,
            write_old=self._write_old.values,
            write_new=self._write_new.values,
            error_code=self._error_code,
            device=self._device,
        )

    def between(self, first: int, end: int) -> Columns:
        """Steps first … end-1 as arrays, in which they, their changes and their writes count from 0."""
        whole = self.columns
        change_end, write_end = whole.change_end[first : end + 1], whole.write_end[first : end + 1]
        mine = slice(bisect_left(self._device_steps, first), bisect_left(self._device_steps, end))
        changes, writes = slice(change_end[0], change_end[-1]), slice(write_end[0], write_end[-1])
        return Columns(
            cpu=whole.cpu[first:end],
            code=whole.code[first:end],
            vector=whole.vector[first:end],
            change_end=change_end - change_end[0],
            register=whole.register[changes],
            reg_old=whole.reg_old[changes],
            reg_new=whole.reg_new[changes],
            write_end=write_end - write_end[0],
            write_addr=whole.write_addr[writes],
            write_size=whole.write_size[writes],
            write_old=whole.write_old[writes],
            write_new=whole.write_new[writes],
            error_code={at - first: code for at, code in self._error_code.items() if first <= at < end},
            device={at - first: self._device[at] for at in self._device_steps[mine]},
        )

    @property
    def head(self) -> State:
        """The state after the last step. Look, do not change it."""
        return self.play(len(self))

    def play(self, moment: int) -> State:
        """Take the head forward to `moment`; returns it, to be looked at until the next call. It never goes back."""
        playback = self._playback
        if not playback.moment <= moment <= len(self):
            raise IndexError(f"the head is at {playback.moment} of {len(self)}: it cannot go to {moment}")
        while True:
            mark = (playback.moment // KEYFRAME_INTERVAL + 1) * KEYFRAME_INTERVAL
            if moment < mark:
                break
            playback.go(mark)
            self._keep_keyframe()
        playback.go(moment)
        return playback.state

    def extend(self, block: Block) -> None:
        """Add what the machine did next; raises ValueError if it does not follow. The head stays where it is."""
        self._must_follow(block.first)
        _ = self.head
        changes = block.changes
        self._code.extend(self._numbered(block))
        self._cpu.extend(block.cpu)
        self._vector.extend(block.vector)
        self._error_code.update({block.first + step: error for step, error in block.error_code.items()})
        for step in sorted(block.device):
            self._keep_device(block.first + step, block.device[step])
        self._change_end.extend(changes.end + len(self._register))
        self._register.extend(changes.register)
        self._reg_old.extend(changes.old)
        self._reg_new.extend(changes.new)
        self._write_end.extend(block.write_end + len(self._write_addr))
        self._write_addr.extend(block.write_addr)
        self._write_size.extend(block.write_size)
        self._write_old.extend(block.write_old)
        self._write_new.extend(block.write_new)
        self._playback.follow(block)

    def append(self, step: Step) -> None:
        """Add one step, which comes from no machine; raises ValueError if it is not the next one."""
        self._must_follow(step.moment)
        _ = self.head
        self._code.extend((self._number((step.rip, step.code)),))
        self._cpu.extend((step.cpu,))
        self._vector.extend((step.vector,))
        if step.error_code >= 0:
            self._error_code[step.moment] = step.error_code
        self._keep_device(step.moment, step.device)
        self._register.extend([change.register for change in step.regs])
        self._reg_old.extend(np.array([change.old for change in step.regs], np.uint64))
        self._reg_new.extend(np.array([change.new for change in step.regs], np.uint64))
        self._change_end.extend((len(self._register),))
        self._write_addr.extend(np.array([write.addr for write in step.writes], np.uint64))
        self._write_size.extend([len(write.new) for write in step.writes])
        for column, data in (
            (self._write_old, [write.old for write in step.writes]),
            (self._write_new, [write.new for write in step.writes]),
        ):
            column.extend(np.array([int.from_bytes(each, "little") for each in data], np.uint64))
        self._write_end.extend((len(self._write_addr),))
        self._playback.take(step)
        if len(self) % KEYFRAME_INTERVAL == 0:
            self._keep_keyframe()

    def step(self, moment: int) -> Step:
        """Step `moment`; raises IndexError outside 0 … len-1."""
        if not 0 <= moment < len(self):
            raise IndexError(f"no step {moment}: the trace has {len(self)}")
        rip, code = self.code_table[self._code[moment]]
        vector = self._vector[moment]
        register, old, new = self._register, self._reg_old, self._reg_new
        regs = tuple(
            [
                RegisterChange(register[i], old[i], new[i])
                for i in range(self._change_end[moment], self._change_end[moment + 1])
            ]
        )
        writes = tuple([self._write(i) for i in range(self._write_end[moment], self._write_end[moment + 1])])
        kind = StepKind.INSN if vector < 0 else StepKind.DELIVERY
        error_code, device = self._error_code.get(moment, -1), self._device.get(moment, ())
        return Step(moment, self._cpu[moment], kind, rip, code, vector, error_code, regs, writes, device)

    def steps(self, first: int = 0, end: int | None = None) -> Iterator[Step]:
        """Steps first … end-1 (to the last one where `end` is None)."""
        for moment in range(first, len(self) if end is None else end):
            yield self.step(moment)

    def seek(self, moment: int) -> State:
        """The state at `moment`, a copy: one keyframe and at most KEYFRAME_INTERVAL - 1 steps."""
        if not 0 <= moment <= len(self):
            raise IndexError(f"no moment {moment}: the trace ends at {len(self)}")
        if moment > self._playback.moment:
            _ = self.head
        regs, pages = self._keyframes[moment // KEYFRAME_INTERVAL]
        state = State(regs, Memory(pages))
        first = moment - moment % KEYFRAME_INTERVAL
        cpus = self._cpu.values[first:moment].tolist()
        ends = self._change_end.values[first : moment + 1].tolist()
        registers = self._register.values[ends[0] : ends[-1]].tolist()
        values = self._reg_new.values[ends[0] : ends[-1]].tolist()
        done = 0
        for cpu, end in zip(cpus, ends[1:], strict=True):
            file = state.regs[cpu]
            for i in range(done, end - ends[0]):
                file[registers[i]] = values[i]
            done = end - ends[0]
        written = slice(self._write_end[first], self._write_end[moment])
        columns = self._write_addr, self._write_size, self._write_new
        for address, size, new in zip(*(column.values[written].tolist() for column in columns), strict=True):
            state.memory.write(address, new.to_bytes(size, "little"))
        return state

    @property
    def hash(self) -> str:
        """SHA-256 over the starting state and every record so far, in hex; the name of this run."""
        while self._hashed < len(self):
            end = min(self._hashed + _HASHED_AT_ONCE, len(self))
            self._digest.update(records(self.between(self._hashed, end), self.code_table))
            self._hashed = end
        return self._digest.copy().hexdigest()

    def _must_follow(self, moment: int) -> None:
        if moment != len(self):
            raise ValueError(f"step {moment} does not follow step {len(self) - 1}")

    def _keep_device(self, moment: int, writes: tuple[DeviceWrite, ...]) -> None:
        if writes:
            self._device[moment] = writes
            self._device_steps.append(moment)

    def _number(self, code: Code) -> int:
        found = self._code_ids.get(code)
        if found is None:
            found = self._code_ids[code] = len(self.code_table)
            self.code_table.append(code)
        return found

    def _numbered(self, block: Block) -> NDArray[np.int64]:
        """The block's codes in our numbers. All blocks of a trace are of one machine."""
        missing = len(block.codes) - len(self._of_machine)
        if missing:
            self._of_machine = np.concatenate((self._of_machine, np.full(missing, -1, np.int64)))
        numbers = self._of_machine[block.code]
        if len(numbers) and numbers.min() < 0:
            for code in dict.fromkeys(block.code[numbers < 0].tolist()):
                self._of_machine[code] = self._number(block.codes[code])
            numbers = self._of_machine[block.code]
        return numbers

    def _write(self, index: int) -> Write:
        size = self._write_size[index]
        old, new = self._write_old[index], self._write_new[index]
        return Write(self._write_addr[index], old.to_bytes(size, "little"), new.to_bytes(size, "little"))

    def _keep_keyframe(self) -> None:
        state = self._playback.state
        self._keyframes.append((tuple(tuple(file) for file in state.regs), state.memory.snapshot()))
