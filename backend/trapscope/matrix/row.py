"""One line of the matrix: a run, what must come of it, and why; and what came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from trapscope.core.types import DEFAULT_MAX_STEPS, FetchModel, Verdict


class Sweep(Enum):
    """Whether a row is one run or one for every point of a range."""

    ONCE = "once"
    EVERY_HANDLER_BOUNDARY = "an NMI at every boundary between the handler's first and last instruction"
    EVERY_STUB_BOUNDARY = "an interrupt at every boundary between the stub's first instruction and its jump"
    QUANTA = "round-robin with quanta 1, 2, 3, 5, 7, 11 and 13"
    RANDOM = "random schedules"
    TORN = "every step boundary × every subset of the five bytes refreshed"


@dataclass(frozen=True, slots=True)
class Row:
    """What is run and what it must give.

    `must` and `never` hold names of checks (as a violation or note) and of events. `breaks` is the exact set of
    violated checks, where a violation is expected. An empty `schedule` is the scenario's own.
    """

    scenario: str
    design: str
    variants: tuple[str, ...]
    verdict: Verdict
    why: str
    must: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()
    breaks: frozenset[str] = frozenset()
    schedule: str = ""
    fetch: FetchModel = FetchModel.COHERENT
    cpus: int | None = None
    sweep: Sweep = Sweep.ONCE
    points: range = field(default=range(0))
    """Which seeds, for random schedules."""
    max_steps: int = DEFAULT_MAX_STEPS

    def __str__(self) -> str:
        name = f"{self.scenario} {self.design}"
        if self.variants:
            name += " " + "+".join(self.variants)
        if self.fetch is FetchModel.WEAK:
            name += " weak"
        if self.sweep is not Sweep.ONCE:
            seeds = f", seeds {self.points.start} to {self.points.stop - 1}" if self.points else ""
            name += f" ({self.sweep.value}{seeds})"
        return name


@dataclass(frozen=True, slots=True)
class Got:
    """What came of a row: how many runs and steps, and every disagreement in a sentence that reproduces it."""

    row: Row
    runs: int
    steps: int
    differences: tuple[str, ...]
    summary: str
    cpus: int
    schedule: str
    """Canonical; of a sweep, its first run's. `trapscope run` makes that run again by it."""
    hash: str
    """Of the same run."""

    @property
    def agrees(self) -> bool:
        """Whether everything came as expected."""
        return not self.differences


def all_of(rows: tuple[Row, ...], scenarios: tuple[str, ...]) -> Iterator[Row]:
    """The rows of these scenarios; of all where none is named."""
    return (row for row in rows if not scenarios or row.scenario in scenarios)
