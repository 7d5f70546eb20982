"""What is looked at: a run, a moment of it, the CPU whose code and stack are shown, and the guest's sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from trapscope.core.image import Image
from trapscope.core.lens import Event
from trapscope.core.reading import Activation, Names, Reading
from trapscope.core.session import Session
from trapscope.core.telling import Copy
from trapscope.core.trace import State
from trapscope.core.types import RIP, RSP, RunSpec, Step

_Kind = TypeVar("_Kind", bound=Event)


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that a figure is a function of, apart from its theme. `sources` may lack files."""

    reading: Reading
    moment: int
    cpu: int
    state: State
    sources: Mapping[str, str]
    copy: Copy

    @classmethod
    def at(cls, reading: Reading, moment: int, cpu: int | None, sources: Mapping[str, str], copy: Copy) -> Scene:
        """The scene at a moment of the run; where no CPU is wished for, that of the CPU that made the last step."""
        reading.follow()
        trace = reading.session.trace
        if cpu is None:
            cpu = trace.step(max(moment, 1) - 1).cpu if len(trace) else 0
        return cls(reading, moment, cpu, trace.seek(moment), sources, copy)

    @property
    def session(self) -> Session:
        return self.reading.session

    @property
    def spec(self) -> RunSpec:
        return self.reading.session.spec

    @property
    def image(self) -> Image:
        return self.reading.session.image

    @property
    def names(self) -> Names:
        return self.reading.names

    @property
    def rip(self) -> int:
        return self.state.regs[self.cpu][RIP]

    @property
    def rsp(self) -> int:
        return self.state.regs[self.cpu][RSP]

    @property
    def activation(self) -> Activation:
        """What the CPU is in."""
        return self.reading.calls[self.cpu].at(self.moment)

    def held(self, address: int, size: int) -> bytes:
        """What memory holds there now; zeros where no RAM is, for a pointer may have come to be anything."""
        return held(self.state, address, size)

    def word(self, address: int) -> int:
        """The 64-bit word there now."""
        return int.from_bytes(self.held(address, 8), "little")

    def step(self, moment: int) -> Step:
        return self.session.trace.step(moment)

    def events(self, kind: type[_Kind]) -> Iterator[_Kind]:
        """Those that steps before the moment raised, latest first."""
        for event in reversed(self.session.events):
            if event.moment < self.moment and isinstance(event, kind):
                yield event

    def is_new(self, writer: Step | None) -> bool:
        """Whether the step just made is the one."""
        return writer is not None and writer.moment == self.moment - 1


def held(state: State, address: int, size: int) -> bytes:
    """What memory holds there in a state; zeros where no RAM is."""
    try:
        return state.memory.read(address, size)
    except ValueError:
        return bytes(size)
