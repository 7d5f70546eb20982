"""What was measured: samples of one quantity, and figures with what is asked of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from statistics import median
from typing import NamedTuple


class Samples(NamedTuple):
    """One quantity, measured several times; `noise` is how far apart the times lay, the spread over the median."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: list[float]) -> Samples:
        """Of at least one value."""
        return cls(median(values), min(values), max(values))

    @property
    def noise(self) -> float:
        return (self.most - self.least) / self.median if self.median else 0.0


class Bound(Enum):
    """Which way a figure is good."""

    AT_LEAST = "at least"
    AT_MOST = "at most"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `ours` and `peer` are in `unit`; a ratio has both, a size or a latency has no peer."""

    name: str
    what: str
    value: Samples
    unit: str
    bound: Bound
    wanted: float
    ours: Samples | None = None
    peer: Samples | None = None
    each: str = ""
    """The unit of `ours` and `peer`."""
    parts: dict[str, float] = field(default_factory=dict)
    """What the value is the worst of, by name, in `unit`."""

    @property
    def holds(self) -> bool:
        """Whether the median is as wanted."""
        if self.bound is Bound.AT_LEAST:
            return self.value.median >= self.wanted
        return self.value.median <= self.wanted


def ratio(slower: Samples, faster: Samples, pairs: list[tuple[float, float]]) -> Samples:
    """How many times as long one takes as the other: of the medians, with the least and most of the pairs measured."""
    each = [slow / fast for slow, fast in pairs]
    return Samples(slower.median / faster.median, min(each), max(each))
