"""What a step means in the kernel's terms.

Deterministic and driven from outside: `observe` must be called once for every step that `noteworthy` names, in order,
with the state after it; for any other step it would do nothing. Nothing of that state is kept or changed.
"""

from __future__ import annotations

from collections.abc import Iterator

from trapscope.core.image import Image
from trapscope.core.lens.accesses import Accesses
from trapscope.core.lens.checks import faults
from trapscope.core.lens.contexts import FIRST_INTERRUPT, MCE_VECTOR, NMI_VECTOR, Contexts
from trapscope.core.lens.dispatch import Dispatch, OnStep
from trapscope.core.lens.entries import Entries
from trapscope.core.lens.events import Event
from trapscope.core.lens.fetch_views import FetchViews
from trapscope.core.lens.finding import Finding
from trapscope.core.lens.frames import BREAKPOINT, INVALID_OPCODE, IRETQ, Frames, LiveFrame
from trapscope.core.lens.int3_stacks import Int3Stacks
from trapscope.core.lens.interrupts import Interrupts
from trapscope.core.lens.kernel import Kernel
from trapscope.core.lens.lane import Lane
from trapscope.core.lens.record import Record
from trapscope.core.lens.scheduling import Scheduling
from trapscope.core.lens.text import INT3, Text
from trapscope.core.lens.traps import Traps
from trapscope.core.machine import MNEMONICS, Block, Glimpse, ShutdownCause, View
from trapscope.core.trace import State
from trapscope.core.types import RunSpec, Step

_HLT = b"\xf4"


class Lens:
    """Events, lanes and findings of one run."""

    def __init__(self, image: Image, spec: RunSpec, start: State) -> None:
        """`start` is the state at moment 0."""
        self.spec = spec
        self._record = Record()
        self.kernel = kernel = Kernel(image, start)
        self._dispatch = dispatch = Dispatch(self._classify)
        accesses = Accesses(image.disassembler)
        self._contexts = Contexts(kernel, dispatch, start)
        self._frames = Frames(kernel, dispatch, self._record, self._contexts)
        self._text = Text(kernel, dispatch, self._record, start)
        self._entries = Entries(kernel, dispatch, self._record, self._contexts, self._frames, self._text, start)
        self._traps = Traps(kernel, dispatch, self._record, self._contexts, self._frames, self._text, self._entries)
        self._stacks = Int3Stacks(kernel, dispatch, self._record, self._contexts, self._frames, self._traps, accesses)
        self._interrupts = Interrupts(len(start.regs), self._record, self._frames)
        self._scheduling = Scheduling(kernel, dispatch, self._record, self._contexts, self._stacks)
        self._fetch_views = FetchViews(self._text)
        self._frames.on_pushed.append(self._on_delivery)
        self._lane = self._contexts.lane(0)

    @property
    def sites(self) -> tuple[int, ...]:
        """The addresses of all five-byte sites that the guest rewrites."""
        return tuple(place.address for place in self.kernel.sites)

    def noteworthy(self, block: Block) -> Iterator[int]:
        """The steps, counted from the block's first, that must be observed; decided step by step, as they are."""
        return self._dispatch.noteworthy(block)

    def may_note(self, step: Glimpse) -> bool:
        """Whether this step, the next one, must be observed."""
        return self._dispatch.may_note(step)

    def look_at_view(self, view: View, first: int) -> list[Event]:
        """What a CPU would decode has changed; `first` is the moment that `view.step` counts from.

        To be called behind the steps up to `view.step`.
        """
        return self._fetch_views.changed(view, max(first + view.step, 0))

    def observe(self, step: Step, after: State) -> list[Event]:
        """The events that this step raised; what it broke is in `take_findings`."""
        events = self._record.begin(step.moment, step.cpu)
        self._frames.resumed = None
        if step.vector >= 0:
            self._dispatch.wrote(step, after)
            self._frames.delivered(step, after)
            self._lane = self._contexts.lane(step.cpu)
            return events
        self._lane = self._contexts.lane(step.cpu)
        self._dispatch.wrote(step, after)
        self._interrupts.stored(step)
        self._dispatch.executed(step, after)
        self._dispatch.arrived(step, after)
        return events

    @property
    def lane(self) -> Lane:
        """Where the step belongs that was observed last: an instruction where it ran, a delivery in what it opened."""
        return self._lane

    def lane_of_next(self, cpu: int) -> Lane:
        """Where the CPU's next instruction belongs, and those behind it until a step that is observed."""
        return self._contexts.lane(cpu)

    def take_findings(self) -> list[Finding]:
        """What was found since the last call, in order."""
        return self._record.take_findings()

    def finish(
        self, moment: int, cpu: int, after: State, *, complete: bool, shutdown: ShutdownCause | None = None
    ) -> list[Finding]:
        """The run has ended with this step of this CPU.

        `complete`: the scenario came to its end, so what holds "at the end" must hold now.
        """
        self._record.begin(moment, cpu)
        if shutdown is not None:
            self._record.breach("no-unexpected-fault", faults.shut_down(shutdown))
        if complete:
            self._stacks.look_at_rest(after.memory)
        return self._record.take_findings()

    def _classify(self, code: bytes) -> tuple[OnStep, ...]:
        """Who wants to know of every execution of these bytes, wherever they stand."""
        if code == INT3:
            return (self._traps.int3_executed,)
        if code == IRETQ:
            return (self._frames.iret_executed,)
        if code == _HLT:
            return (self._scheduling.halted,)
        return ()

    def _on_delivery(self, frame: LiveFrame, step: Step, _after: State) -> None:
        vector = frame.vector
        if vector in (BREAKPOINT, NMI_VECTOR, MCE_VECTOR) or vector >= FIRST_INTERRUPT:
            return
        if vector == INVALID_OPCODE:
            self._text.undecodable(frame.pushed_ip)
        mnemonic = MNEMONICS.get(vector, f"vector {vector}")
        where = self.kernel.name(frame.pushed_ip)
        self._record.breach("no-unexpected-fault", faults.delivered(mnemonic, step.error_code, where))
