"""The formats that a trace leaves in, and how it is cut into pieces: a head, stretches of steps, a tail.

Concatenated, the pieces of one export are the file, however long the stretches are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args

from trapscope.core.errors import BadInput
from trapscope.core.reading import Reading
from trapscope.wire.jsonl import JsonLines
from trapscope.wire.perfetto import Perfetto
from trapscope.wire.tenet import Tenet

TraceFormat = Literal["jsonl", "perfetto", "tenet"]
TRACE_FORMATS: Final[tuple[TraceFormat, ...]] = get_args(TraceFormat)


class Export(Protocol):
    """The steps before a moment that was fixed when the export began, as text."""

    def head(self) -> Iterator[str]:
        """What comes before the steps."""

    def steps(self, first: int, end: int) -> Iterator[str]:
        """Steps first … end-1; every step once, in order."""

    def tail(self) -> Iterator[str]:
        """What comes after them."""


@dataclass(frozen=True, slots=True)
class Format:
    """How a format is served."""

    media_type: str
    suffix: str
    piece_steps: int
    """So many steps are some hundred kilobytes of text, or cost some hundred milliseconds."""
    begin: Callable[[Reading, int, int | None], Export]


def _all_cpus(make: Callable[[Reading, int], Export], name: str) -> Callable[[Reading, int, int | None], Export]:
    def begin(reading: Reading, length: int, cpu: int | None) -> Export:
        if cpu is not None:
            raise BadInput(f"{name} holds all CPUs: a CPU can be chosen for tenet only")
        return make(reading, length)

    return begin


FORMATS: Final[dict[TraceFormat, Format]] = {
    "jsonl": Format(
        "application/x-ndjson",
        "jsonl",
        512,
        _all_cpus(lambda reading, length: JsonLines(reading.session, length), "jsonl"),
    ),
    "perfetto": Format("application/json", "perfetto.json", 16384, _all_cpus(Perfetto, "perfetto")),
    "tenet": Format(
        "text/plain; charset=utf-8", "tenet.log", 2048, lambda reading, length, cpu: Tenet(reading.session, length, cpu)
    ),
}


def begin(name: TraceFormat, reading: Reading, length: int, cpu: int | None) -> Export:
    """An export of the first `length` steps; raises BadInput where the format wants a CPU, or wants none."""
    return FORMATS[name].begin(reading, length, cpu)


def lines(name: TraceFormat, reading: Reading, cpu: int | None) -> Iterator[str]:
    """The whole run so far, in one go; raises BadInput as `begin` does."""
    length = len(reading.session.trace)
    export = begin(name, reading, length, cpu)
    yield from export.head()
    yield from export.steps(0, length)
    yield from export.tail()
