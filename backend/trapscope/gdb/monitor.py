"""gdb's `monitor` commands: moments, events, why a value is so, the schedule, the link, another run from here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final
from urllib.parse import urlencode

from trapscope.core.errors import TrapscopeError
from trapscope.core.session import Session
from trapscope.core.session.catalogue import CATALOGUE
from trapscope.core.session.moments import moment_of
from trapscope.core.types import MAX_CPUS, FetchModel
from trapscope.gdb.replay import Replay

HELP: Final = (
    "moment [N]      where we are; or go to moment N",
    "event NAME[:N]  go to right after the first (N-th) event of that name, here or later in the run's order",
    "why TARGET      where a value came from: rax@0, rflags[if]@0, depth@0, slots[1]@0, ADDRESS+LENGTH, SYMBOL",
    "schedule        the canonical schedule, which reproduces this run",
    "inject WHAT K   irq, nmi or mce at CPU K, here; the run goes on by itself from there",
    "link            the page's link to this moment",
)
_LOOK_AGAIN: Final = "(gdb keeps what it has read: `maintenance flush register-cache` makes it look again)"
_KINDS: Final = ("irq", "nmi", "mce")
_STEPS_AT_A_TIME: Final = 4096

Why = Callable[[Session, str, int], Iterable[str]]
"""Tells where a target's value at a moment came from, in lines; BadInput for what is no target."""


class Monitor:
    """Of one replay. `why` words a chain."""

    def __init__(self, replay: Replay, why: Why, again: Callable[[], Session]) -> None:
        """`again` makes a session of the same run, at moment 0 and fed with nothing."""
        self._replay, self._why, self._again = replay, why, again
        self._commands: dict[str, Callable[[list[str]], Iterable[str]]] = {
            "help": lambda _: HELP,
            "moment": self._moment,
            "event": self._event,
            "why": self._chain,
            "schedule": lambda _: (self._replay.session.schedule,),
            "inject": self._inject,
            "link": lambda _: (self._link(),),
        }

    def about(self, cpu: int) -> str:
        """What a CPU is doing here: its context, task and trap, after its last step."""
        last, session = self._replay.last_step(cpu), self._replay.session
        if last is None:
            return "has made no step yet"
        lane = session.lanes[session.lane_of[last]]
        return f"{lane.context} context of {lane.task}" + (f", trap {lane.trap}" if lane.trap else "")

    def carry_out(self, command: str) -> list[str]:
        """What to print; a command that is none, or cannot be carried out, says so."""
        name, *arguments = command.split() or ["help"]
        chosen = self._commands.get(name)
        if chosen is None:
            return [f"there is no monitor command “{name}”; there are {', '.join(self._commands)}"]
        try:
            return list(chosen(arguments))
        except TrapscopeError as error:
            return [str(error)]

    def _moment(self, arguments: list[str]) -> Iterator[str]:
        if arguments:
            self._replay.go(moment_of(arguments[0], self._replay.session))
        yield f"moment {self._replay.moment} of {self._replay.length}"
        if arguments:
            yield _LOOK_AGAIN

    def _event(self, arguments: list[str]) -> Iterator[str]:
        if len(arguments) != 1 or arguments[0].isdigit():
            yield "give one event's name, such as frame-rewritten or slot-pushed:2"
            return
        yield from self._moment(arguments)

    def _chain(self, arguments: list[str]) -> Iterable[str]:
        if len(arguments) != 1:
            return ("give one target, such as rax@0, slots[0]@0 or report+0x10:4",)
        return self._why(self._replay.session, arguments[0], self._replay.moment)

    def _inject(self, arguments: list[str]) -> Iterator[str]:
        if len(arguments) != 2 or arguments[0] not in _KINDS or not _is_cpu(arguments[1], self._replay.cpus):
            yield f"give irq, nmi or mce and a CPU, 0 to {self._replay.cpus - 1}"
            return
        moment, session = self._replay.moment, self._again()
        session.feed(self._replay.session.schedule)
        while session.moment < moment and session.pending:
            session.advance(moment - session.moment)
        session.cancel()
        scenario = CATALOGUE[session.spec.scenario]
        own = scenario.schedule_under(session.spec.design, session.spec.variants, session.spec.fetch).split()[-1]
        session.feed(f"{arguments[0]}@{arguments[1]} {own if own.endswith('>.') or own.startswith('rr*') else '0>.'}")
        while session.pending:
            session.advance(_STEPS_AT_A_TIME)
        session.finish()
        self._replay.take(session, moment)
        what = f"{arguments[0]} at CPU {arguments[1]} at moment {moment}"
        yield f"{what}: {session.verdict} after {self._replay.length} steps"
        yield _LOOK_AGAIN

    def _link(self) -> str:
        """As the page makes it: the query names the run, the fragment schedule and moment."""
        spec = self._replay.session.spec
        query = [("scenario", spec.scenario), ("design", spec.design), *(("variant", name) for name in spec.variants)]
        if spec.fetch is not FetchModel.COHERENT:
            query.append(("fetch", spec.fetch.value))
        fragment = urlencode({"s": self._replay.session.schedule, "m": self._replay.moment}, safe="*@>")
        return f"/?{urlencode(query)}#{fragment}"


def _is_cpu(text: str, cpus: int) -> bool:
    return len(text) <= len(str(MAX_CPUS)) and text.isascii() and text.isdigit() and int(text) < cpus
