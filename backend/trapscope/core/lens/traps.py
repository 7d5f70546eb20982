"""Breakpoints from the `int3` to the emulated call, by task: each lives through a handler, then perhaps a stub."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from trapscope.core.lens.checks import emulated_call, faults
from trapscope.core.lens.contexts import Contexts
from trapscope.core.lens.dispatch import Dispatch
from trapscope.core.lens.entries import Entries
from trapscope.core.lens.events import BreakpointHit, CallEmulated, StubEntered
from trapscope.core.lens.frames import BREAKPOINT, Frames, LiveFrame
from trapscope.core.lens.kernel import Kernel
from trapscope.core.lens.record import Record
from trapscope.core.lens.text import Text
from trapscope.core.lens.trap import Phase, Trap
from trapscope.core.trace import State
from trapscope.core.types import RIP, RSP, Step

INT3: Final = b"\xcc"
_WORD: Final = 8


class Traps:
    """Open traps by task, innermost last. `on_over` is told of each that has ended, however it did."""

    def __init__(
        self, kernel: Kernel, dispatch: Dispatch, record: Record, contexts: Contexts, frames: Frames, text: Text,
        entries: Entries,
    ) -> None:  # fmt: skip
        self._kernel, self._record, self._contexts, self._text, self._entries = kernel, record, contexts, text, entries
        self._open: dict[int, list[Trap]] = {}
        self.on_over: list[Callable[[Trap, State], None]] = []
        frames.on_pushed.append(self._on_pushed)
        frames.on_popped.append(self._on_popped)
        self._stubs: dict[int, range] = {}
        for stub in kernel.stubs:
            extent = range(stub.address, stub.address + stub.size)
            for address in extent:
                self._stubs[address] = extent
                dispatch.on_execution(address, self._on_stub)

    @property
    def stub_addresses(self) -> tuple[int, ...]:
        """Every address inside a stub."""
        return tuple(self._stubs)

    def current(self, task: int) -> Trap | None:
        """The innermost open trap of the task."""
        traps = self._open.get(task)
        return traps[-1] if traps else None

    def int3_executed(self, step: Step, after: State) -> None:
        """A `cc` retired; its delivery comes next."""
        task = self._contexts.task(step.cpu)
        site = self._text.sites.get(step.rip)
        lane = self._contexts.lane(step.cpu)
        self._record.events.append(
            BreakpointHit(
                step.moment, step.cpu, step.rip, self._kernel.name(step.rip), site.place.kind if site else "none",
                lane.task, lane.context,
            )
        )  # fmt: skip
        self._open.setdefault(task, []).append(Trap(task, step.rip, list(after.regs[step.cpu])))
        if site is not None:
            self._entries.trapped(task)

    def _on_pushed(self, frame: LiveFrame, step: Step, _after: State) -> None:
        trap = self.current(self._contexts.task(step.cpu))
        if frame.vector == BREAKPOINT and trap is not None and trap.frame is None:
            trap.frame = frame

    def _on_popped(self, frame: LiveFrame, step: Step, after: State) -> None:
        if frame.vector != BREAKPOINT:
            return
        trap = next((t for t in reversed(self._open.get(self._contexts.task(step.cpu), [])) if t.frame is frame), None)
        if trap is None:
            return
        regs = after.regs[step.cpu]
        if regs[RIP] in self._stubs:
            lane = self._contexts.lane(step.cpu)
            stub = self._kernel.function(regs[RIP])
            trap.phase = Phase.STUB
            self._record.events.append(StubEntered(step.moment, step.cpu, stub, lane.task, lane.context))
        elif frame.words[0] == frame.pushed_ip:
            self._record.breach("no-unexpected-fault", faults.unclaimed(self._kernel.name(trap.ip)))
            self._end(trap, after)
        elif regs[RIP] == trap.return_address:
            self._end(trap, after)
        else:
            self._emulated(trap, step, after)

    def _on_stub(self, step: Step, after: State) -> None:
        """An instruction of a stub retired; the one that leaves it completes the call."""
        trap = self.current(self._contexts.task(step.cpu))
        if trap is None or trap.phase is not Phase.STUB or after.regs[step.cpu][RIP] in self._stubs[step.rip]:
            return
        self._emulated(trap, step, after)

    def _emulated(self, trap: Trap, step: Step, after: State) -> None:
        regs = after.regs[step.cpu]
        try:
            pushed = after.memory.u64(regs[RSP])
        except ValueError:
            pushed = 0
        self._record.events.append(
            CallEmulated(
                step.moment, step.cpu, trap.ip, self._kernel.name(trap.ip), regs[RIP], self._kernel.name(regs[RIP]),
                pushed, regs[RSP], self._contexts.context(step.cpu),
            )
        )  # fmt: skip
        for check, detail in (
            ("stack-balanced", emulated_call.stack_balanced(trap.regs, regs, pushed, trap.return_address)),
            ("registers-preserved", emulated_call.registers_preserved(trap.regs, regs)),
            ("flags-preserved", emulated_call.flags_preserved(trap.regs, regs)),
        ):
            if detail is not None:
                self._record.breach(check, f"{detail} (call emulated at {self._kernel.name(trap.ip)})")
        self._end(trap, after)

    def _end(self, trap: Trap, after: State) -> None:
        traps = self._open[trap.task]
        over = traps[traps.index(trap) :]
        del traps[len(traps) - len(over) :]
        for gone in reversed(over):
            for listener in self.on_over:
                listener(gone, after)
