"""The calls of one function that have not returned yet, and word of each that does, wherever it was called from."""

from __future__ import annotations

from typing import Final

from trapscope.core.lens.dispatch import Dispatch, OnStep
from trapscope.core.trace import State
from trapscope.core.types import RSP, Step

_WORD: Final = 8


class OpenCalls:
    """Tell it of each arrival at the function's first instruction; a return is known by where RSP is left."""

    def __init__(self, dispatch: Dispatch, on_return: OnStep) -> None:
        self._dispatch, self._on_return = dispatch, on_return
        self._stacks: set[int] = set()
        """Where the calls left RSP; their return addresses lie there."""
        self._known_returns: set[int] = set()

    @property
    def are_open(self) -> bool:
        """Whether any call is still to return."""
        return bool(self._stacks)

    def begun(self, step: Step, after: State) -> None:
        """A CPU has arrived at the function."""
        stack = after.regs[step.cpu][RSP]
        back = after.memory.u64(stack)
        self._stacks.add(stack)
        if back not in self._known_returns:
            self._known_returns.add(back)
            self._dispatch.on_arrival(back, self._arrived)

    def _arrived(self, step: Step, after: State) -> None:
        stack = after.regs[step.cpu][RSP] - _WORD
        if stack in self._stacks:
            self._stacks.discard(stack)
            self._on_return(step, after)
