"""Who wants to know of a step: by the address executed, the address arrived at, the bytes, the memory written.

A run has some hundred thousand steps of which a few hundred mean something. A step that means nothing costs three
dictionary lookups here, and one per word that it writes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from trapscope.core.trace import State
from trapscope.core.types import DIRECT_MAP, KERNEL_MAP, RIP, Step, Write

OnStep = Callable[[Step, State], None]
OnWrite = Callable[[Step, Write, State], None]

_WORD_SHIFT: Final = 3


class Dispatch:
    """Handlers by what they wait for. Handlers of one kind are called in the order in which they came."""

    def __init__(self, classify: Callable[[bytes], tuple[OnStep, ...]]) -> None:
        """`classify` says, once per different instruction, who wants to know whenever it is executed."""
        self._classify = classify
        self._at: dict[int, list[OnStep]] = {}
        self._arrivals: dict[int, list[OnStep]] = {}
        self._words: dict[int, list[OnWrite]] = {}
        self._by_code: dict[bytes, tuple[OnStep, ...]] = {}

    def on_execution(self, address: int, handler: OnStep) -> None:
        """Call when the instruction at `address` has been executed."""
        self._at.setdefault(address, []).append(handler)

    def on_arrival(self, address: int, handler: OnStep) -> None:
        """Call when an instruction has left RIP at `address`. Deliveries do not count."""
        self._arrivals.setdefault(address, []).append(handler)

    def watch(self, address: int, length: int, handler: OnWrite) -> None:
        """Call when a write, by either mapping, touches a word of these bytes: once per write."""
        for word in _words(address, length):
            self._words.setdefault(word, []).append(handler)

    def unwatch(self, address: int, length: int, handler: OnWrite) -> None:
        """Undo one `watch` of the same arguments."""
        for word in _words(address, length):
            handlers = self._words[word]
            handlers.remove(handler)
            if not handlers:
                del self._words[word]

    def executed(self, step: Step, after: State) -> None:
        """An instruction retired."""
        for handler in self._at.get(step.rip, ()):
            handler(step, after)
        by_code = self._by_code.get(step.code)
        if by_code is None:
            by_code = self._by_code[step.code] = self._classify(step.code)
        for handler in by_code:
            handler(step, after)

    def wrote(self, step: Step, after: State) -> None:
        """Any step: what it stored."""
        for write in step.writes:
            words = _words(write.addr, len(write.new))
            if len(words) == 1:
                handlers = self._words.get(words[0])
                if handlers is None:
                    continue
                wanted = list(handlers)
            else:
                wanted = list(dict.fromkeys(h for word in words for h in self._words.get(word, ())))
            for handler in wanted:
                handler(step, write, after)

    def arrived(self, step: Step, after: State) -> None:
        """An instruction retired and RIP stands where it left it."""
        handlers = self._arrivals.get(after.regs[step.cpu][RIP])
        if handlers is not None:
            for handler in handlers:
                handler(step, after)


def _words(address: int, length: int) -> range:
    """The 8-byte words of physical memory that the bytes lie in."""
    physical = address - (KERNEL_MAP if address >= KERNEL_MAP else DIRECT_MAP)
    return range(physical >> _WORD_SHIFT, (physical + length - 1 >> _WORD_SHIFT) + 1)
