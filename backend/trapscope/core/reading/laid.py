"""Who made room for which words of a stack, at every moment: a chain of pieces per stack, lowest first.

A piece is the words that one step laid below RSP. Like the chain of calls it is shared between moments and never
changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from trapscope.core.reading.history import History
from trapscope.core.reading.names import Names
from trapscope.core.trace import State
from trapscope.core.types import RSP, Step


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """The words `[low, high)`, over which the step `moment` lowered RSP."""

    low: int
    high: int
    moment: int
    parent: Piece | None


class Laid:
    """All stacks: a task takes its own along to another CPU."""

    def __init__(self, names: Names, start: State) -> None:
        self._names = names
        self._pieces: dict[str, History[Piece | None]] = {}
        self._sp = [regs[RSP] for regs in start.regs]

    def at(self, address: int, moment: int) -> Piece | None:
        """The pieces of the stack around an address, from the lowest up; None where all is older than moment 0."""
        history = self._pieces.get(self._names.stack(address))
        return None if history is None else history.at(moment)

    def follow(self, step: Step) -> None:
        """The next step of any CPU."""
        before = after = self._sp[step.cpu]
        for change in step.regs:
            if change.register == RSP:
                after = change.new
        if before == after:
            return
        self._sp[step.cpu] = after
        key = self._names.stack(after)
        # A delivery through the IST, or a task switch, begins where the other stack's pointer stands, not at RSP.
        top = before if self._names.stack(before) == key else self._top_of(step, after, key)
        history = self._pieces.setdefault(key, History(None))
        history.set(
            step.moment + 1,
            Piece(after, top, step.moment, _trim(history.last, top)) if after < top else _trim(history.last, after),
        )

    def _top_of(self, step: Step, after: int, key: str) -> int:
        """The end of the highest word that the step wrote above the new RSP: an IST stack's top at a delivery."""
        ends = (write.addr + len(write.new) for write in step.writes if self._names.stack(write.addr) == key)
        return max((after, *ends))


def _trim(chain: Piece | None, sp: int) -> Piece | None:
    """What is left of a chain when RSP stands at `sp`."""
    while chain is not None and chain.high <= sp:
        chain = chain.parent
    return replace(chain, low=sp) if chain is not None and chain.low < sp else chain
