"""Everything that can be asked about a session's run; it may go on between questions."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final, assert_never

from trapscope.core.errors import BadInput
from trapscope.core.lens import EVENT_NAMES, Event
from trapscope.core.lens.kernel import Kernel
from trapscope.core.session import Session
from trapscope.core.session.moments import moment_of
from trapscope.core.trace import TraceIndex
from trapscope.core.why import finding
from trapscope.core.why.chain import Chain, Tracing
from trapscope.core.why.decoded import Decoded
from trapscope.core.why.finding import Found, Question
from trapscope.core.why.place import Place
from trapscope.core.why.producers import Producers
from trapscope.core.why.senders import Cause, Senders
from trapscope.core.why.targets import Targets

DEFAULT_LINKS: Final = 64
MAX_LINKS: Final = 512
MAX_EVENTS: Final = 1000


class Inquiry:
    """Of one session. Targets and moments are texts (targets.py, session/moments.py); BadInput says what is wrong."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._index = TraceIndex(session.trace)
        senders = Senders(self._index, session.spec.cpus, lambda: session.injections)
        self._producers = Producers(session.image, self._index, senders)
        self._targets = Targets(session.image, session.spec, Kernel(session.image, session.state0), self._index)
        self._events: dict[str, list[int]] = {name: [] for name in EVENT_NAMES}
        """By name, the places of its events among the session's."""
        self._told = 0

    def moment(self, text: str) -> int:
        """The moment that the text names."""
        found = moment_of(text, self.session)
        self._index.refresh()
        return found

    def why(self, target: str, at: str, limit: int = DEFAULT_LINKS) -> Chain:
        """Where the target's value at that moment came from, in at most `limit` links (1 to MAX_LINKS)."""
        if not 1 <= limit <= MAX_LINKS:
            raise BadInput(f"a chain has 1 to {MAX_LINKS} links, not {limit}")
        moment = self.moment(at)
        return Tracing(self._producers, limit).chain(self._targets.value(target, moment), moment)

    def find(self, question: Question, target: str, at: str, cpu: int | None = None) -> tuple[Place, int, Found]:
        """The place, the moment, and what was found.

        `cpu` is for executions and stores to a local APIC: that CPU's only.
        """
        moment = self.moment(at)
        if cpu is not None and not 0 <= cpu < self.session.spec.cpus:
            raise BadInput(f"this run has no CPU {cpu}: it has {self.session.spec.cpus}")
        match question:
            case Question.LAST_WRITE | Question.NEXT_WRITE:
                place = self._targets.range(target, moment)
                return place, moment, finding.write(self._index, question, place, moment, cpu)
            case Question.LAST_CHANGE | Question.NEXT_CHANGE:
                place = self._targets.range(target, moment)
                return place, moment, finding.change(self._index, question, place, moment)
            case Question.PREVIOUS_EXECUTION | Question.NEXT_EXECUTION:
                code = self._targets.code(target)
                return code, moment, finding.execution(self._index, question, code, moment, cpu)
            case _:
                assert_never(question)

    def events(self, name: str, first: int = 0, end: int | None = None) -> list[Event]:
        """The events of a kind that steps first … end-1 raised (to the last where `end` is None), in order."""
        if name not in self._events:
            raise BadInput(f"there is no event “{name}”; there are {', '.join(EVENT_NAMES)}")
        every = self.session.events
        for place in range(self._told, len(every)):
            self._events[every[place].name].append(place)
        self._told = len(every)
        mine = self._events[name]
        start = bisect_left(mine, first, key=lambda place: every[place].moment)
        stop = len(mine) if end is None else bisect_left(mine, end, key=lambda place: every[place].moment)
        return [every[place] for place in mine[start:stop]]

    def decoded(self, step: int) -> Decoded | None:
        """Which version of its bytes an instruction was decoded from; None for a delivery."""
        return None if self._index.columns.vector[step] >= 0 else self._producers.decoded(step)

    def cause(self, step: int) -> Cause | None:
        """Why an interrupt was delivered in this step; None for an exception and for an instruction."""
        return self._producers.cause(step)

    def step_of_write(self, write: int) -> int:
        """The step that made one of the trace's writes."""
        return self._index.step_of_write(write)

    def name(self, place: Place) -> str:
        """The place for people."""
        return self._targets.name(place)
