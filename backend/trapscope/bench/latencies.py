"""What one question about a recorded run costs, in processor time: seeking, and everything that can be asked."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from trapscope.bench.clock import computed, percentile_99
from trapscope.bench.measured import Samples
from trapscope.core.session import Session
from trapscope.core.types import REGISTERS
from trapscope.core.why import Inquiry, Question

_SEEKS = 2000
_QUERIES = 500
_EVENT_RANGE_STEPS = 2000

Ask = Callable[[], object]


def seek_99(session: Session, repeats: int) -> Samples:
    """Seconds of the 99th percentile of seeks to moments drawn at random."""
    trace, draw = session.trace, Random(20190401)
    seconds = []
    for _ in range(repeats):
        moments = [draw.randint(0, len(trace)) for _ in range(_SEEKS)]
        seconds.append(percentile_99([computed(lambda at=at: trace.seek(at)) for at in moments]))  # type: ignore[misc]
    return Samples.of(seconds)


def queries_99(session: Session, repeats: int) -> dict[str, Samples]:
    """By question, seconds of the 99th percentile, of things of the run drawn at random."""
    inquiry, draw = Inquiry(session), Random(20190401)
    askers = _askers(session, inquiry, draw)
    for ask in askers.values():
        ask()()  # the index takes in the run
    found: dict[str, list[float]] = {name: [] for name in askers}
    for _ in range(repeats):
        for name, ask in askers.items():
            found[name].append(percentile_99([computed(ask()) for _ in range(_QUERIES)]))
    return {name: Samples.of(seconds) for name, seconds in found.items()}


def _askers(session: Session, inquiry: Inquiry, draw: Random) -> dict[str, Callable[[], Ask]]:
    """By question, what draws one to be asked."""
    columns, end = session.trace.columns, len(session.trace)
    addresses = sorted(set(columns.write_addr.tolist()))
    named = (session.image.name(rip) for rip, _ in session.trace.code_table)
    functions = sorted({name.partition("+")[0] for name in named if name is not None})
    names = sorted({event.name for event in session.events})

    def memory() -> str:
        return f"{draw.choice(addresses):#x}+8"

    def register() -> str:
        return f"{draw.choice(REGISTERS)}@{draw.randrange(session.spec.cpus)}"

    def moment() -> int:
        return draw.randint(0, end)

    def find(question: Question, target: Callable[[], str]) -> Callable[[], Ask]:
        def drawn() -> Ask:
            wanted, at = target(), str(moment())
            return lambda: inquiry.find(question, wanted, at)

        return drawn

    def events() -> Ask:
        name, first = draw.choice(names), moment()
        return lambda: inquiry.events(name, first, first + _EVENT_RANGE_STEPS)

    def why() -> Ask:
        target, at = draw.choice((memory, register))(), str(moment())
        return lambda: inquiry.why(target, at)

    def function() -> str:
        return draw.choice(functions)

    return {
        Question.LAST_WRITE: find(Question.LAST_WRITE, memory),
        Question.NEXT_WRITE: find(Question.NEXT_WRITE, memory),
        Question.LAST_CHANGE: find(Question.LAST_CHANGE, register),
        Question.NEXT_CHANGE: find(Question.NEXT_CHANGE, register),
        Question.PREVIOUS_EXECUTION: find(Question.PREVIOUS_EXECUTION, function),
        Question.NEXT_EXECUTION: find(Question.NEXT_EXECUTION, function),
        "events": events,
        "why": why,
    }
