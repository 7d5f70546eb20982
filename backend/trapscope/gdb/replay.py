"""Walking a recorded run as a debugger does: one position, breakpoints and watchpoints, in both directions.

There is one timeline, that of the recording: when one CPU makes a step, the others have made theirs that lie before it.
Moment n is the state before step n. A breakpoint at an address is met where the instruction at it is about to be
executed; nothing is ever written into memory for it. A watchpoint is met behind the step that wrote, and, going back,
before it. What is asked is answered from the trace's index, so that the distance does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trapscope.core.session import Session
from trapscope.core.trace import TraceIndex
from trapscope.core.types import REGISTERS


class Cause(Enum):
    """Why a walk ended."""

    STEP = "step"
    BREAKPOINT = "breakpoint"
    WATCHPOINT = "watchpoint"
    END = "end"
    """Behind the last recorded step."""
    BEGIN = "begin"
    """At moment 0."""


class Halt(NamedTuple):
    """Where a walk ended: the position is `moment` now, and `cpu` is whom it concerns; `address` is the watched one."""

    moment: int
    cpu: int
    cause: Cause
    address: int = 0


class Replay:
    """A position in a session's run, which is over."""

    def __init__(self, session: Session) -> None:
        self.take(session, 0)
        self.breakpoints: set[int] = set()
        self.watchpoints: set[tuple[int, int]] = set()
        """(address, length)"""

    def take(self, session: Session, moment: int) -> None:
        """Walk this run from now on, from that moment."""
        self.session = session
        self._index = TraceIndex(session.trace)
        cpu_of = self._index.columns.cpu
        self._steps: list[NDArray[np.int64]] = [np.flatnonzero(cpu_of == cpu) for cpu in range(self.cpus)]
        """By CPU, its steps."""
        self.moment = moment

    @property
    def cpus(self) -> int:
        """How many CPUs there are."""
        return self.session.spec.cpus

    @property
    def length(self) -> int:
        """How many steps are recorded."""
        return len(self._index.columns.cpu)

    def registers(self, cpu: int) -> list[int]:
        """A CPU's registers here, in the order of REGISTERS."""
        return [self._index.register(cpu, register, self.moment) for register in range(len(REGISTERS))]

    def memory(self, address: int, length: int) -> bytes:
        """The bytes here; raises ValueError outside RAM."""
        return self._index.memory(address, length, self.moment)

    def last_step(self, cpu: int) -> int | None:
        """The step that this CPU made last."""
        at = int(np.searchsorted(self._steps[cpu], self.moment))
        return int(self._steps[cpu][at - 1]) if at else None

    def go(self, moment: int) -> None:
        """Be at a moment, 0 to `length`."""
        if not 0 <= moment <= self.length:
            raise IndexError(f"no moment {moment}: the run ends at {self.length}")
        self.moment = moment

    def step(self, cpu: int) -> Halt:
        """Until this CPU has made a step, or another one meets a breakpoint before, or somebody a watchpoint."""
        mine = self._steps[cpu]
        at = int(np.searchsorted(mine, self.moment))
        if at == len(mine):
            return self._halt(self._first(self.length) or Halt(self.length, cpu, Cause.END))
        step = int(mine[at])
        return self._halt(self._first(step + 1, cpu) or Halt(step + 1, cpu, Cause.STEP))

    def step_back(self, cpu: int) -> Halt:
        """Back to before this CPU's last step, or to where another one meets a breakpoint, or somebody a watchpoint."""
        step = self.last_step(cpu)
        if step is None:
            return self._halt(self._latest(0, cpu) or Halt(0, cpu, Cause.BEGIN))
        return self._halt(self._latest(step, cpu) or Halt(step, cpu, Cause.STEP))

    def go_on(self, cpu: int) -> Halt:
        """On to the next breakpoint or watchpoint of any CPU, or to the end; `cpu` is who is told of then."""
        return self._halt(self._first(self.length) or Halt(self.length, cpu, Cause.END))

    def go_back(self, cpu: int) -> Halt:
        """Back to the last breakpoint or watchpoint of any CPU, or to the beginning."""
        return self._halt(self._latest(0) or Halt(0, cpu, Cause.BEGIN))

    def _first(self, end: int, stepping: int | None = None) -> Halt | None:
        """The first halt from here to the moment `end`; a CPU that is stepping does not halt at breakpoints."""
        return min(
            (
                halt
                for halt in self._ahead(stepping)
                if halt.moment <= end and (halt.cause, halt.moment) != (Cause.BREAKPOINT, end)
            ),
            key=lambda halt: halt.moment,
            default=None,
        )

    def _latest(self, end: int, stepping: int | None = None) -> Halt | None:
        """The last halt between the moment `end` and here."""
        return max(
            (halt for halt in self._behind(stepping) if halt.moment >= end), key=lambda halt: halt.moment, default=None
        )

    def _ahead(self, stepping: int | None) -> Iterator[Halt]:
        for address in self.breakpoints:
            for cpu in self._others(stepping):
                step = self._index.next_execution(address, address + 1, self.moment, cpu)
                if step is not None:
                    yield Halt(step, cpu, Cause.BREAKPOINT)
        for address, length in self.watchpoints:
            write = self._index.next_write(address, length, self.moment)
            if write is not None:
                step = self._index.step_of_write(write)
                yield Halt(step + 1, self._cpu_of(step), Cause.WATCHPOINT, address)

    def _behind(self, stepping: int | None) -> Iterator[Halt]:
        for address in self.breakpoints:
            for cpu in self._others(stepping):
                step = self._index.previous_execution(address, address + 1, self.moment, cpu)
                if step is not None:
                    yield Halt(step, cpu, Cause.BREAKPOINT)
        for address, length in self.watchpoints:
            write = self._index.last_write(address, length, self.moment)
            if write is not None:
                step = self._index.step_of_write(write)
                yield Halt(step, self._cpu_of(step), Cause.WATCHPOINT, address)

    def _others(self, stepping: int | None) -> list[int]:
        return [cpu for cpu in range(self.cpus) if cpu != stepping]

    def _cpu_of(self, step: int) -> int:
        return int(self._index.columns.cpu[step])

    def _halt(self, halt: Halt) -> Halt:
        self.moment = halt.moment
        return halt
