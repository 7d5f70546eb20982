"""Taking times: a thing and its peer by turns, so that what else the machine does falls on both."""

from __future__ import annotations

import gc
from collections.abc import Callable
from math import ceil
from time import perf_counter, thread_time

from trapscope.bench.measured import Samples

#: Makes ready, and returns what is to be timed.
Prepared = Callable[[], Callable[[], object]]


def seconds(prepare: Prepared) -> float:
    """How long the prepared thing takes, once. The garbage of the preparation is not its fault."""
    work = prepare()
    gc.collect()
    return timed(work)


def timed(work: Callable[[], object]) -> float:
    """Seconds that one thing takes."""
    start = perf_counter()
    work()
    return perf_counter() - start


def computed(work: Callable[[], object]) -> float:
    """Seconds of the processor that one short thing takes: a 99th percentile by the clock would be the neighbours'."""
    start = thread_time()
    work()
    return thread_time() - start


def by_turns(first: Prepared, second: Prepared, repeats: int) -> list[tuple[float, float]]:
    """Seconds of each, `repeats` times, after one of each that does not count."""
    for prepare in (first, second):
        seconds(prepare)
    return [(seconds(first), seconds(second)) for _ in range(repeats)]


def rates(count: int, times: list[float]) -> Samples:
    """So many things in those seconds, as things a second."""
    return Samples.of([count / each for each in times])


def percentile_99(times: list[float]) -> float:
    """The time that 99 of 100 do not exceed."""
    return sorted(times)[ceil(0.99 * len(times)) - 1]
