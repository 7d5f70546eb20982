"""What came of a run so far: its steps, what they mean, what the checks found, and what each CPU was doing.

The machine's steps are looked at in blocks, when somebody asks for a fact.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable

from trapscope.core.image import Image
from trapscope.core.lens import Event, Finding, Lane, Lens
from trapscope.core.machine import Block, Held, Machine, View
from trapscope.core.telling import Teller, Told
from trapscope.core.trace import State, Trace
from trapscope.core.types import RunSpec


class Account:
    """Of one machine, which nobody else takes steps from. Call `settle` before looking at any fact."""

    def __init__(self, image: Image, spec: RunSpec, machine: Machine, state0: State) -> None:
        self._machine = machine
        self.trace = Trace(state0)
        """Every step."""
        self.lens = Lens(image, spec, state0.copy())
        self.events: list[Event] = []
        """What the steps meant."""
        self.told: list[Told] = []
        """What each event is told by."""
        self._teller = Teller(spec.design, self.lens.kernel.name, self.lens.kernel.slot_count)
        self.findings: list[Finding] = []
        """What the checks found."""
        self.lanes: list[Lane] = []
        """Every (context, trap, task) that a step had, in the order of first appearance."""
        self.lane_of = array("I")
        """Per step, the index into `lanes`."""
        self.held: list[Held] = []
        """What the CPUs held back, as changes in the order of time; see core.machine.held."""
        self._lane_ids: dict[Lane, int] = {}

    def settle(self) -> None:
        """Record what the machine has done, and look at it."""
        for block in self._machine.take():
            self.trace.extend(block)
            self._look_at(block)
        self.held += self._machine.take_held()

    def finish(self, *, complete: bool) -> None:
        """The run is over: what holds at the end must hold now. `complete`: the scenario came to its end."""
        self.settle()
        last = max(len(self.trace) - 1, 0)
        cpu = self.trace.step(last).cpu if len(self.trace) else 0
        self.findings += self.lens.finish(
            last, cpu, self.trace.head, complete=complete, shutdown=self._machine.shutdown
        )

    def _look_at(self, block: Block) -> None:
        done, cpus, views = 0, block.cpu.tolist(), deque(block.views)
        for row in self.lens.noteworthy(block):
            self._look_at_views(views, block, row)
            self._stay_in_lanes(cpus[done:row])
            self._take(self.lens.observe(block.step(row), self.trace.play(block.first + row + 1)))
            self.lane_of.append(self._lane_id(self.lens.lane))
            self.findings += self.lens.take_findings()
            done = row + 1
        self._look_at_views(views, block, len(block))
        self._stay_in_lanes(cpus[done:])

    def _look_at_views(self, views: deque[View], block: Block, end: int) -> None:
        """Those that changed behind a step before `end`."""
        while views and views[0].step < end:
            self._take(self.lens.look_at_view(views.popleft(), block.first))

    def _take(self, events: Iterable[Event]) -> None:
        for event in events:
            self.events.append(event)
            self.told.append(self._teller.tell(event))

    def _stay_in_lanes(self, cpus: list[int]) -> None:
        """Steps of these CPUs, none of which changed what its CPU is doing."""
        if not cpus:
            return
        lanes = {cpu: self._lane_id(self.lens.lane_of_next(cpu)) for cpu in set(cpus)}
        self.lane_of.extend([lanes[cpu] for cpu in cpus] if len(lanes) > 1 else [lanes[cpus[0]]] * len(cpus))

    def _lane_id(self, lane: Lane) -> int:
        found = self._lane_ids.get(lane)
        if found is None:
            found = self._lane_ids[lane] = len(self.lanes)
            self.lanes.append(lane)
        return found
