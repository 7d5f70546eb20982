"""A value over time: what held from which moment on. Entries come in order; a question is a binary search."""

from __future__ import annotations

from bisect import bisect_right
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class History(Generic[_Value]):
    """Holds `initial` from moment 0 on, until something is set."""

    def __init__(self, initial: _Value) -> None:
        self._moments = [0]
        self._values = [initial]

    def set(self, moment: int, value: _Value) -> None:
        """From `moment` on, which is not before the last one set, the value is `value`."""
        if self._values[-1] is value:
            return
        if self._moments[-1] == moment:
            self._values[-1] = value
        else:
            self._moments.append(moment)
            self._values.append(value)

    def at(self, moment: int) -> _Value:
        """What held at `moment` ≥ 0."""
        return self._values[bisect_right(self._moments, moment) - 1]

    @property
    def last(self) -> _Value:
        """What holds since the last entry."""
        return self._values[-1]
