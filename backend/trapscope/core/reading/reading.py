"""A session as it can be read: its calls, its stacks, who wrote what last. Grows with the session, when asked to."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import Final

import numpy as np

from trapscope.core.lens import Lane
from trapscope.core.reading.calls import Activation, Calls, Flow, Parked, flow_of
from trapscope.core.reading.laid import Laid
from trapscope.core.reading.names import Names
from trapscope.core.session import Session
from trapscope.core.types import DIRECT_MAP, KERNEL_MAP, MASK64, Step

_WORD: Final = 8
_BETWEEN_MAPPINGS: Final = KERNEL_MAP - DIRECT_MAP


class Reading:
    """Ask `follow` first: what is said is true of the steps that have been followed."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.names = Names(session.image)
        parked: Parked = {}
        cpus = range(session.spec.cpus)
        self.calls = tuple(Calls(self.names, cpu, session.state0, parked) for cpu in cpus)
        self.laid = Laid(self.names, session.state0)
        self._own = tuple(array("I") for _ in cpus)
        self._flows: dict[tuple[int, bytes], Flow] = {}
        self._followed = 0

    def __len__(self) -> int:
        """How many steps have been followed."""
        return self._followed

    def follow(self, end: int | None = None) -> None:
        """Read on to step `end`, or to the last one that the session has made."""
        trace = self.session.trace
        end = len(trace) if end is None else end
        for step in trace.steps(self._followed, end):
            self.calls[step.cpu].follow(step, self._flow(step))
            self.laid.follow(step)
            self._own[step.cpu].append(step.moment)
        self._followed = max(end, self._followed)

    def last(self, cpu: int, moment: int) -> Step | None:
        """The CPU's last step before `moment`."""
        own = self._own[cpu]
        index = bisect_right(own, moment - 1) - 1
        return None if index < 0 else self.session.trace.step(own[index])

    def next(self, cpu: int, moment: int) -> Step | None:
        """The CPU's first step from `moment` on."""
        own = self._own[cpu]
        index = bisect_right(own, moment - 1)
        return None if index == len(own) else self.session.trace.step(own[index])

    def lane(self, cpu: int, moment: int) -> Lane | None:
        """The lane of the CPU's step at `moment`, else of its next one, else of its last one; None for one without."""
        own = self._own[cpu]
        if not own:
            return None
        index = min(bisect_right(own, moment - 1), len(own) - 1)
        return self.session.lanes[self.session.lane_of[own[index]]]

    def lane_of(self, activation: Activation, cpu: int) -> Lane | None:
        """The lane of an activation in that CPU's calls: that of the context in which it was entered."""
        if activation.step < 0:
            return self.lane(cpu, 0)
        return self.session.lanes[self.session.lane_of[activation.step]]

    def writers(self, address: int, size: int, moment: int) -> list[int]:
        """The steps before `moment` that stored to `[address, address + size)`, in order, through either mapping."""
        columns = self.session.trace.columns
        stores = int(columns.write_end[moment])
        at, length = columns.write_addr[:stores], columns.write_size[:stores].astype(np.uint64)
        hit = np.zeros(stores, np.bool_)
        for start in _mappings(address):
            # Nothing is stored at the very end of the address space; a pointer that came to be anything may lead there.
            end = np.uint64(min(start + size, MASK64))
            hit |= (at < end) & (at + length > np.uint64(start))
        steps = np.searchsorted(columns.write_end, np.flatnonzero(hit), side="right") - 1
        return [int(step) for step in np.unique(steps)]

    def writer(self, address: int, moment: int, size: int = _WORD) -> Step | None:
        """The last step before `moment` that stored there; None if that was before moment 0."""
        steps = self.writers(address, size, moment)
        return self.session.trace.step(steps[-1]) if steps else None

    def _flow(self, step: Step) -> Flow:
        code = step.rip, step.code
        if code not in self._flows:
            image = self.session.image
            self._flows[code] = "other" if step.vector >= 0 else flow_of(image.disassembler.text(*code))
        return self._flows[code]


def _mappings(address: int) -> tuple[int, int]:
    """The address in the kernel mapping and in the direct map."""
    kernel = address if address >= KERNEL_MAP else (address + _BETWEEN_MAPPINGS) & MASK64
    return kernel, (kernel - _BETWEEN_MAPPINGS) & MASK64
