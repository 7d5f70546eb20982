"""When nothing can ever happen again: every CPU waits, nothing is coming, and nobody writes."""

from __future__ import annotations

from typing import Final

#: Rounds in which every CPU only waited and nothing was written, after which nothing can ever happen.
IDLE_ROUNDS: Final = 2


class IdleRounds:
    """Counts rounds in which every CPU only waited and no step wrote anything."""

    def __init__(self, stores: int) -> None:
        """`stores` is how many there have been so far."""
        self._stores = stores
        self._count = 0

    def another(self, waiting: bool, stores: int) -> int:
        """A round is over; returns how many idle ones there were in a row."""
        quiet = waiting and stores == self._stores
        self._stores = stores
        self._count = self._count + 1 if quiet else 0
        return self._count
