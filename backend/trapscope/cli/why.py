"""`trapscope why` and `trapscope find`: questions about a run, played to its end first."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from typing import Final

from trapscope.cli.phrases import vector
from trapscope.cli.run import play, prepared
from trapscope.core.why import Inquiry, Question
from trapscope.wire import answers
from trapscope.wire.queries import Found, Link, TracedStep, Value, Why

_WORDS: Final = (1, 2, 4, 8)
_CAUSES: Final = {
    "store": "sent by step {:,}",
    "schedule": "injected by the schedule at moment {:,}",
    "before": "pending since before moment 0",
}


def why(arguments: argparse.Namespace) -> int:
    """Print the chain; 0."""
    inquiry = _played(arguments)
    told = answers.why(inquiry, inquiry.why(arguments.target, arguments.at, arguments.links))
    _print([told.model_dump_json()] if arguments.json else chain(told))
    return 0


def find(arguments: argparse.Namespace) -> int:
    """Print the step; 1 where there is none."""
    inquiry, question = _played(arguments), Question(arguments.question)
    place, moment, found = inquiry.find(question, arguments.target, arguments.at, arguments.on_cpu)
    told = answers.found(inquiry, question, place, moment, found)
    _print([told.model_dump_json()] if arguments.json else _answer(told, inquiry.name(place)))
    return 0 if told.step is not None else 1


def _played(arguments: argparse.Namespace) -> Inquiry:
    session, chosen = prepared(arguments)
    play(session, chosen)
    return Inquiry(session)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line.rstrip())


def chain(told: Why) -> Iterator[str]:
    """The main line first, value by value, then the values beside it."""
    asked = told.links[0]
    yield f"{asked.name} is {_value(asked.value)} at moment {told.at:,} ({told.target})"
    for number in told.path:
        yield ""
        yield from _link(told.links[number])
    beside = [link for link in told.links if link.id not in told.path]
    if beside:
        yield ""
        yield "beside the main line"
    for link in beside:
        yield from _link(link)


def _link(link: Link) -> Iterator[str]:
    yield f"[{link.id}] {link.name} = {_value(link.value)}"
    if link.step is not None:
        yield from (f"      {line}" for line in _step(link.step))
    if link.sources:
        yield "      from " + ", ".join(f"[{source.link}] {source.role}" for source in link.sources)
    if link.end is not None:
        yield f"      {link.end.words}"


def _step(step: TracedStep) -> Iterator[str]:
    """Who did it, where and how; and from which version of its bytes, if they were ever written."""
    what = f"delivery of {vector(step.vector)}" if step.vector is not None else f"{step.text}"
    where = step.symbol or step.rip
    line = "" if step.file is None or step.vector is not None else f"  {step.file}:{step.line}"
    trap = f", trap {step.trap}" if step.trap else ""
    yield f"step {step.n:,} on CPU {step.cpu}, {where}{line}: {what}  ({step.context} context of {step.task}{trap})"
    if step.cause is not None:
        yield _CAUSES[step.cause.by].format(step.cause.moment)
    if step.written:
        by = " and ".join(f"{number:,}" for number in step.written)
        yield f"decoded from bytes that step{'' if len(step.written) == 1 else 's'} {by} wrote"
    if step.stale:
        yield "memory held newer bytes by then: this CPU had not seen them"


def _answer(told: Found, name: str) -> Iterator[str]:
    what = told.question.replace("-", " ")
    if told.step is None:
        side = "from" if told.question.startswith("next") else "before"
        yield f"there is no {what} of {name} {side} moment {told.at:,} ({told.target})"
        return
    yield f"{what} of {name} seen from moment {told.at:,} ({told.target})"
    yield from _step(told.step)
    if told.new is not None:
        yield f"stored {_value(told.new)}" if told.old is None else f"{_value(told.old)} → {_value(told.new)}"


def _value(value: Value) -> str:
    """A word as its number, by name where it has one; any other bytes in memory's order."""
    if value.hex is None or len(value.bytes) // 2 not in _WORDS:
        return " ".join(value.bytes[at : at + 2] for at in range(0, len(value.bytes), 2))
    return value.hex if value.symbol is None else f"{value.hex} {value.symbol}"
