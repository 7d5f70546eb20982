"""What happened in a run, as the schedule that reproduces it: `K*N`, injections, fetch tokens, and what repeats folded.

    0*120 nmi@0 (0*1 1*1)*5000 0*7

It is made token by token, never from the whole, so that a long run costs no more at its end than at its beginning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

#: The longest piece that is looked at for a repetition: four CPUs in turn, an injection with each.
_LONGEST_PIECE: Final = 8


@dataclass(slots=True)
class Repeated:
    """`(TOKENS)*N`, N ≥ 2."""

    tokens: tuple[str, ...]
    times: int

    def __str__(self) -> str:
        return f"({' '.join(self.tokens)})*{self.times}"


@dataclass(slots=True)
class Canonical:
    """Tell it of every step and of everything else that happened, in order."""

    _done: list[str | Repeated] = field(default_factory=list)
    _length: int = 0
    """Of `_done` as text, with a space behind each."""
    _cpu: int = -1
    _steps: int = 0

    def step(self, cpu: int, steps: int = 1) -> None:
        """CPU `cpu` made `steps` steps."""
        if cpu != self._cpu:
            self._flush()
            self._cpu = cpu
        self._steps += steps

    def add(self, token: str) -> None:
        """Something other than a step happened now: an injection, a fetch that sees newer bytes."""
        self._flush()
        self._append(token)

    def __str__(self) -> str:
        tail = [f"{self._cpu}*{self._steps}"] if self._steps else []
        return " ".join([*map(str, self._done), *tail])

    def __len__(self) -> int:
        """Of the text, without making it."""
        return (
            self._length + (len(f"{self._cpu}*{self._steps}") if self._steps else -1) if self._done else len(str(self))
        )

    def _flush(self) -> None:
        if self._steps:
            self._append(f"{self._cpu}*{self._steps}")
        self._steps = 0
        self._cpu = -1

    def _append(self, token: str) -> None:
        self._done.append(token)
        self._length += len(token) + 1
        while self._fold():
            pass

    def _fold(self) -> bool:
        """Fold the last tokens into the repetition before them, or two equal pieces at the end into one."""
        done = self._done
        plain = 0
        while plain < len(done) and plain < 2 * _LONGEST_PIECE and isinstance(done[-1 - plain], str):
            plain += 1
        before = done[-1 - plain] if plain < len(done) else None
        if isinstance(before, Repeated) and plain == len(before.tokens) and tuple(done[-plain:]) == before.tokens:
            self._replace(1 + plain, Repeated(before.tokens, before.times + 1))
            return True
        for size in range(1, plain // 2 + 1):
            piece = done[-size:]
            if piece == done[-2 * size : -size]:
                folded = Repeated(tuple(map(str, piece)), 2)
                if len(str(folded)) < 2 * sum(len(str(token)) + 1 for token in piece) - 1:
                    self._replace(2 * size, folded)
                    return True
        return False

    def _replace(self, count: int, by: Repeated) -> None:
        self._length += len(str(by)) + 1 - sum(len(str(token)) + 1 for token in self._done[-count:])
        self._done[-count:] = [by]
