"""What each CPU's instruction fetch sees of text that was patched through another address.

Memory is one and coherent; in the weak model a CPU goes on decoding the old bytes until it executes a serialising
instruction (Intel SDM vol. 3A, 8.1.3 and 8.3) or the schedule lets it see new ones. The writer's own fetches lag
too: it wrote through another linear address. In the coherent model nothing is ever stale.
"""

from __future__ import annotations

from trapscope.core.types import FetchModel


class FetchViews:
    """Per CPU, the bytes (RAM offset ► byte) that it would still decode instead of what memory holds."""

    def __init__(self, cpus: int, model: FetchModel) -> None:
        self.weak = model is FetchModel.WEAK
        self._stale: list[dict[int, int]] = [{} for _ in range(cpus)]

    def stale(self, cpu: int) -> dict[int, int]:
        """The stale bytes of one CPU, by RAM offset. Look, do not change."""
        return self._stale[cpu]

    def snapshot(self) -> tuple[dict[int, int], ...]:
        """All views, as `restore` takes them."""
        return tuple(dict(view) for view in self._stale)

    def restore(self, views: tuple[dict[int, int], ...]) -> None:
        """Be as at `snapshot()`."""
        self._stale = [dict(view) for view in views]

    def stored(self, offset: int, old: bytes, new: bytes) -> None:
        """Text at `offset` changed in memory from `old` to `new`: every CPU goes on seeing what it saw."""
        if not self.weak:
            return
        for view in self._stale:
            for at, (before, after) in enumerate(zip(old, new, strict=True), offset):
                seen = view.pop(at, before)
                if seen != after:
                    view[at] = seen

    def catch_up(self, cpu: int) -> tuple[int, ...]:
        """The CPU sees the newest bytes everywhere; returns the RAM offsets that changed for it."""
        view = self._stale[cpu]
        offsets = tuple(view)
        view.clear()
        return offsets

    def catch_up_byte(self, cpu: int, offset: int) -> tuple[int, ...]:
        """The CPU sees the newest value of one byte; returns its offset if that changed anything."""
        return () if self._stale[cpu].pop(offset, None) is None else (offset,)
