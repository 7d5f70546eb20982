"""A session's log of steps: chunks, only ever appended, never changed, read by each client from its own offset."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogChunk:
    """Steps [first, first + count), made by one Advance with `limit`: the message's text, then the binary frame.

    `inputs` says how many entries the input log had then: two of them may lie at one moment, and a chunk without steps
    between them.
    """

    first: int
    count: int
    limit: int
    text: str
    frame: bytes
    inputs: int


class StepLog:
    """The chunks so far."""

    def __init__(self) -> None:
        self.chunks: list[LogChunk] = []
        self.bytes = 0
        self._ends: list[int] = []

    @property
    def steps(self) -> int:
        return self._ends[-1] if self._ends else 0

    def append(self, chunk: LogChunk) -> None:
        """Add the next chunk; raises ValueError if it does not follow."""
        if chunk.first != self.steps:
            raise ValueError(f"a chunk from moment {chunk.first} does not follow {self.steps} steps")
        self.chunks.append(chunk)
        self._ends.append(chunk.first + chunk.count)
        self.bytes += len(chunk.text) + len(chunk.frame)

    def locate(self, moment: int) -> tuple[int, int]:
        """The chunk to go on with for somebody who has `moment` steps, and its first moment, which is never later."""
        index = bisect_right(self._ends, moment)
        # A chunk without steps, which tells the run's end, is told again to whoever has all steps.
        while index and self.chunks[index - 1].count == 0:
            index -= 1
        return index, self._ends[index - 1] if index else 0
