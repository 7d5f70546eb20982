"""Ascending numbers by key, which only ever grow: where in the trace a thing is found."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_PIECE: Final = 2048
_NONE: Final[array[int]] = array("I")


class Postings:
    """For each key, the positions at which it occurs, in ascending order. A position takes four bytes."""

    __slots__ = ("_keys", "_of")

    def __init__(self) -> None:
        self._of: dict[int, array[int]] = {}
        self._keys: list[int] = []
        """Sorted."""

    def extend(self, keys: NDArray[np.integer[Any]], positions: NDArray[np.int64]) -> None:
        """Add keys[i] at positions[i]: ascending, and behind every position that is in already."""
        if not len(keys):
            return
        order = np.argsort(keys, kind="stable")
        keys, packed = keys[order], positions[order].astype(np.uint32)
        starts = [0, *(np.flatnonzero(keys[1:] != keys[:-1]) + 1).tolist()]
        for start, end in zip(starts, [*starts[1:], len(keys)], strict=True):
            key = keys.item(start)
            known = self._of.get(key)
            if known is None:
                insort(self._keys, key)
                known = self._of[key] = array("I")
            known.frombytes(packed[start:end].tobytes())

    def keys(self, first: int, end: int) -> list[int]:
        """Those from `first` on and below `end`, ascending."""
        return self._keys[bisect_left(self._keys, first) : bisect_left(self._keys, end)]

    def before(self, key: int, end: int) -> int:
        """The last position of the key below `end`; -1 where there is none."""
        found = self._of.get(key)
        if found is None:
            return -1
        at = bisect_left(found, end)
        return found[at - 1] if at else -1

    def start_at(self, key: int, start: int) -> int:
        """The first position of the key from `start` on; -1 where there is none."""
        found = self._of.get(key)
        if found is None:
            return -1
        at = bisect_left(found, start)
        return found[at] if at < len(found) else -1

    def pieces_before(self, key: int, end: int) -> Iterator[NDArray[np.uint32]]:
        """The positions of the key below `end`, in pieces, the last ones first; each piece ascends."""
        found = self._of.get(key, _NONE)
        for stop in range(bisect_left(found, end), 0, -_PIECE):
            yield np.frombuffer(found[max(0, stop - _PIECE) : stop], np.uint32)

    def pieces_from(self, key: int, start: int) -> Iterator[NDArray[np.uint32]]:
        """The positions of the key from `start` on, in pieces."""
        found = self._of.get(key, _NONE)
        for first in range(bisect_left(found, start), len(found), _PIECE):
            yield np.frombuffer(found[first : first + _PIECE], np.uint32)
