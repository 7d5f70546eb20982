"""Who wants to know of a step: by the address executed, the address arrived at, the bytes, the memory written.

A delivery and a store to a device are always worth knowing of.

A run has some hundred thousand steps of which a few thousand may mean something. `noteworthy` says which: for a whole
block by its instructions' numbers, and by one dictionary lookup per word that was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from trapscope.core.machine import Block, Glimpse
from trapscope.core.trace import State
from trapscope.core.types import DIRECT_MAP, KERNEL_MAP, RIP, Step, Write

OnStep = Callable[[Step, State], None]
OnWrite = Callable[[Step, Write, State], None]

_WORD_SHIFT: Final = 3
_EXECUTED: Final = 1
_ARRIVED: Final = 2
_UNKNOWN: Final = 4


class Dispatch:
    """Handlers by what they wait for. Handlers of one kind are called in the order in which they came."""

    def __init__(self, classify: Callable[[bytes], tuple[OnStep, ...]]) -> None:
        """`classify` says, once per different instruction, who wants to know whenever it is executed."""
        self._classify = classify
        self._at: dict[int, list[OnStep]] = {}
        self._arrivals: dict[int, list[OnStep]] = {}
        self._words: dict[int, list[OnWrite]] = {}
        self._by_code: dict[bytes, tuple[OnStep, ...]] = {}
        self._marks = np.empty(0, np.uint8)
        """By the machine's number of an instruction: _EXECUTED | _ARRIVED, or _UNKNOWN."""
        self._code_marks: dict[bytes, int] = {}
        """What there is to know of the bytes alone."""
        self._numbers: dict[int, list[int]] = {}
        """By address, the numbers of the instructions there whose marks are known."""
        self._version = 0
        """Goes up whenever a mark was made behind the instruction's back."""

    def on_execution(self, address: int, handler: OnStep) -> None:
        """Call when the instruction at `address` has been executed."""
        self._at.setdefault(address, []).append(handler)
        self._mark(address, _EXECUTED)

    def on_arrival(self, address: int, handler: OnStep) -> None:
        """Call when an instruction has left RIP at `address`. Deliveries do not count."""
        self._arrivals.setdefault(address, []).append(handler)
        self._mark(address, _ARRIVED)

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
        for handler in self._wanted(step.code):
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

    def noteworthy(self, block: Block) -> Iterator[int]:
        """The steps of the block, counted from its first, that anybody wants to know of.

        Whoever is told of one may begin to wait for others; that holds for the steps behind it.
        """
        rows, words = _written(block)
        marked, at, write = self._marked(block, -1), 0, 0
        version, watched = self._version, self._words
        done = -1
        while True:
            if self._version != version:
                marked, at = self._marked(block, done), 0
                version = self._version
            row = marked[at] if at < len(marked) else len(block)
            while rows[write] < row and words[write] not in watched:
                write += 1
            row = min(row, rows[write])
            if row == len(block):
                return
            done = row
            yield row
            while at < len(marked) and marked[at] <= row:
                at += 1
            while rows[write] <= row:
                write += 1

    def may_note(self, step: Glimpse) -> bool:
        """Whether anybody wants to know of this one step."""
        if step.vector >= 0 or step.rip in self._at or step.next_rip in self._arrivals:
            return True
        if step.device or self._wanted(step.code):
            return True
        return any(word in self._words for address, size in step.stores for word in _words(address, size))

    def _wanted(self, code: bytes) -> tuple[OnStep, ...]:
        by_code = self._by_code.get(code)
        if by_code is None:
            by_code = self._by_code[code] = self._classify(code)
        return by_code

    def _marked(self, block: Block, behind: int) -> list[int]:
        """Steps behind that one that are deliveries or whose instructions are marked."""
        missing = len(block.codes) - len(self._marks)
        if missing:
            self._marks = np.concatenate((self._marks, np.full(missing, _UNKNOWN, np.uint8)))
        before = self._marks[block.code]
        unknown = block.code[before == _UNKNOWN]
        if len(unknown):
            for number in np.unique(unknown).tolist():
                self._marks[number] = self._mark_of(number, *block.codes[number])
            before = self._marks[block.code]
        noted = (before & _EXECUTED) != 0
        noted |= block.vector >= 0
        noted[list(block.device)] = True
        count, after = len(block), block.after
        inside = after < count
        noted[inside] |= (before[after[inside]] & _ARRIVED) != 0
        for row in np.flatnonzero(~inside).tolist():
            if int(block.files[after[row], RIP]) in self._arrivals:
                noted[row] = True
        found: list[int] = np.flatnonzero(noted).tolist()
        return [row for row in found if row > behind] if behind >= 0 else found

    def _mark(self, address: int, mark: int) -> None:
        known = self._numbers.get(address)
        if known:
            self._marks[known] |= mark
        self._version += 1

    def _mark_of(self, number: int, rip: int, code: bytes) -> int:
        self._numbers.setdefault(rip, []).append(number)
        mark = self._code_marks.get(code)
        if mark is None:
            mark = self._code_marks[code] = _EXECUTED if code and self._wanted(code) else 0
        if rip in self._at:
            mark |= _EXECUTED
        if rip in self._arrivals:
            mark |= _ARRIVED
        return mark


def _written(block: Block) -> tuple[list[int], list[int]]:
    """The step and the word of every word written, in order; at the end the step behind the last, which writes none."""
    maps = np.where(block.write_addr >= np.uint64(KERNEL_MAP), np.uint64(KERNEL_MAP), np.uint64(DIRECT_MAP))
    first = block.write_addr - maps
    last = first + block.write_size - np.uint64(1) >> np.uint64(_WORD_SHIFT)
    first >>= np.uint64(_WORD_SHIFT)
    rows, words = block.write_step.tolist(), first.tolist()
    for at in np.flatnonzero(last != first)[::-1].tolist():
        rows.insert(at + 1, rows[at])
        words.insert(at + 1, words[at] + 1)
    return [*rows, len(block)], [*words, -1]


def _words(address: int, length: int) -> range:
    """The 8-byte words of physical memory that the bytes lie in."""
    return range(_word(address), _word(address + length - 1) + 1)


def _word(address: int) -> int:
    """The 8-byte word of physical memory that the byte lies in."""
    return address - (KERNEL_MAP if address >= KERNEL_MAP else DIRECT_MAP) >> _WORD_SHIFT
