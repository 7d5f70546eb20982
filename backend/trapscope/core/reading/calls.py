"""Which functions and traps each CPU is in: a chain of activations, outermost last, for every moment.

A chain is never changed, only replaced by a longer or shorter one that shares its tail, so the chain of any moment
stays at hand. Returns are matched by RSP and not by counting: a stub that jumps into its target, or a frame whose ip
was rewritten, returns somewhere else than it was called from, and that is the subject here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from trapscope.core.reading.history import History
from trapscope.core.reading.names import Names
from trapscope.core.trace import State
from trapscope.core.types import RBP, RIP, RSP, Step

#: How control got here: it was running at moment 0, was called, jumped or returned to, or a vector was delivered.
Entry = Literal["start", "call", "jump", "return", "trap"]
#: What an instruction does to the chain.
Flow = Literal["call", "ret", "iret", "other"]

_FLOWS: Final[dict[str, Flow]] = {
    "call": "call", "lcall": "call", "ret": "ret", "lret": "ret", "retfq": "ret", "iretq": "iret", "iret": "iret",
}  # fmt: skip
#: Bytes between a frame and the end of the registers that the entry code saves under it: orig_ax and fifteen more.
_SAVED_REGISTERS: Final = 128
#: A chain of frame pointers longer than this is not one.
_MAX_CALLERS: Final = 32


@dataclass(eq=False, slots=True)
class Activation:
    """One function, or one delivery, from its entry until the CPU leaves it."""

    function: str
    entry: Entry
    step: int
    """The step that led into it, in whose lane it is; -1 where it was running at moment 0."""
    entered: int
    """The moment at which the CPU stands on its first instruction; a trap begins with its delivery."""
    here: int
    """From when on this CPU has been in it: later than `entered`, where a task came back or from another CPU."""
    sp: int
    """RSP at entry: where the return address lies, or the frame's ip for a trap."""
    vector: int
    parent: Activation | None
    left: int | None = None
    """The moment this CPU left it, for good or for another task; None as long as it has not."""

    def chain(self) -> Iterator[Activation]:
        """This one and all that it is nested in, innermost first."""
        at: Activation | None = self
        while at is not None:
            yield at
            at = at.parent


#: Chains of tasks that run nowhere now, by the stack that they left: any CPU may take them up.
Parked = dict[str, Activation]


def flow_of(text: str) -> Flow:
    """Read from an instruction's mnemonic."""
    return _FLOWS.get(text.partition(" ")[0], "other")


class Calls:
    """One CPU's chain, step by step."""

    def __init__(self, names: Names, cpu: int, start: State, parked: Parked) -> None:
        """`start` is the state at moment 0; the frame pointers in it say which functions the CPU is in."""
        self.all: list[Activation] = []
        """Every activation, in the order of entry: one that is nested comes after what it is nested in."""
        self._names, self._cpu, self._parked = names, cpu, parked
        self._rip, self._rsp = start.regs[cpu][RIP], start.regs[cpu][RSP]
        outermost, *nested = self._callers(start) or ["?"]
        chain = self._enter(None, outermost, "start", 0, self._rsp, -1)
        for name in nested:
            chain = self._enter(chain, name, "start", 0, self._rsp, -1)
        self._chains = History(chain)

    def at(self, moment: int) -> Activation:
        """The innermost activation at a moment that has been followed."""
        return self._chains.at(moment)

    def follow(self, step: Step, flow: Flow) -> None:
        """The CPU's next step."""
        before = self._rsp
        for change in step.regs:
            if change.register == RIP:
                self._rip = change.new
            elif change.register == RSP:
                self._rsp = change.new
        after, now = self._rsp, step.moment + 1
        chain: Activation | None = self._chains.last
        if step.vector >= 0:
            frame = after + 8 if step.error_code >= 0 else after
            self._chains.set(
                now, self._enter(chain, self._name(), "trap", step.moment, frame, step.moment, step.vector)
            )
            return
        name = self._name()
        if flow == "call":
            self._chains.set(now, self._enter(chain, name, "call", now, after, step.moment))
            return
        if flow == "ret":
            chain = _leave_below(chain, after, now)
        elif flow == "iret":
            ended = _popped(chain, before)
            if ended is not None:
                _leave(chain, ended, now)
                chain = ended.parent
        elif before != after:
            chain = self._switch_stack(chain, before, after, now)
        self._chains.set(now, self._arrive(chain, name, "jump" if flow == "other" else "return", now, after))

    def _callers(self, start: State) -> list[str]:
        """The functions that the CPU is in at moment 0, outermost first: its own, and where the frame pointers lead."""
        regs, memory = start.regs[self._cpu], start.memory
        own = self._names.owner(regs[RIP])
        found = [] if own is None else [own]
        frame, stack = regs[RBP], self._names.stack(regs[RSP])
        while len(found) < _MAX_CALLERS and self._names.stack(frame) == stack:
            caller = self._names.owner(memory.u64(frame + 8))
            if caller is None:
                break
            found.append(caller)
            above = memory.u64(frame)
            if above <= frame:
                break
            frame = above
        return found[::-1]

    def _name(self) -> str:
        return self._names.owner(self._rip) or "?"

    def _arrive(self, chain: Activation | None, name: str, entry: Entry, now: int, sp: int) -> Activation:
        """Gone on in another function without a call: a jump into a trampoline, or a return to somewhere else."""
        if chain is None:
            return self._enter(None, name, entry, now, sp, now - 1)
        if chain.function == name:
            return chain
        # Entry code that jumps on is still inside its trap; any other function is over.
        if chain.entry == "trap":
            return self._enter(chain, name, entry, now, chain.sp, now - 1)
        chain.left = now
        return self._enter(chain.parent, name, entry, now, chain.sp, now - 1)

    def _enter(
        self, parent: Activation | None, name: str, entry: Entry, entered: int, sp: int, step: int, vector: int = -1
    ) -> Activation:
        activation = Activation(name, entry, step, entered, entered, sp, vector, parent)
        self.all.append(activation)
        return activation

    def _switch_stack(self, chain: Activation | None, before: int, after: int, now: int) -> Activation | None:
        """A task switch puts one chain aside and takes up another."""
        left, taken = self._names.stack(before), self._names.stack(after)
        if chain is None or left == taken:
            return chain
        resumed = self._parked.get(taken)
        self._parked[left] = chain
        for activation in chain.chain():
            if activation.left is None:
                activation.left = now
        return None if resumed is None else self._resume(resumed, now)

    def _resume(self, parked: Activation, now: int) -> Activation:
        """The same chain, from now on in this CPU."""
        parent = None if parked.parent is None else self._resume(parked.parent, now)
        activation = replace(parked, parent=parent, here=now, left=None)
        self.all.append(activation)
        return activation


def _leave_below(chain: Activation | None, sp: int, now: int) -> Activation | None:
    """A `ret` left RSP at `sp`: everything that was entered with a lower one is over."""
    while chain is not None and chain.parent is not None and chain.entry != "trap" and chain.sp < sp:
        chain.left = now
        chain = chain.parent
    return chain


def _popped(chain: Activation | None, frame: int) -> Activation | None:
    """The trap whose frame `iretq` popped at `frame`.

    Entry code may have moved the frame down a little (the gap, the NMI's copies); one that lies below the saved
    registers was nobody's delivery: sync_core() returns to itself and ends no trap.
    """
    if chain is None:
        return None
    trap = next((activation for activation in chain.chain() if activation.entry == "trap"), None)
    return trap if trap is not None and 0 <= trap.sp - frame < _SAVED_REGISTERS else None


def _leave(chain: Activation | None, outermost: Activation, now: int) -> None:
    """Everything up to `outermost` is over."""
    while chain is not None:
        chain.left = now
        if chain is outermost:
            return
        chain = chain.parent
