"""When nothing can ever happen again: every CPU waits, nothing is coming, and nobody writes."""

from __future__ import annotations

from typing import Final

from trapscope.core.trace import Trace

#: Rounds in which every CPU only waited and nothing was written, after which nothing can ever happen.
IDLE_ROUNDS: Final = 2


class IdleRounds:
    """Counts rounds in which every CPU only waited and no step wrote anything."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._seen = len(trace)
        self._count = 0

    def another(self, waiting: bool) -> int:
        """A round is over; returns how many idle ones there were in a row."""
        quiet = waiting and not any(step.writes for step in self._trace.steps(self._seen))
        self._seen = len(self._trace)
        self._count = self._count + 1 if quiet else 0
        return self._count
