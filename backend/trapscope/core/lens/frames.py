"""Frames that a delivery has pushed and that no `iretq` has popped yet, by task.

Entry code may move a frame: the gap copies it six words down, the NMI entry keeps copies of it on its stack. What
`iretq` pops is therefore found by address first and by its five words second. A task that is preempted takes its
frames along to another CPU.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from trapscope.core.lens.checks import frame_intact
from trapscope.core.lens.contexts import FIRST_INTERRUPT, MCE_VECTOR, NMI_VECTOR, Contexts
from trapscope.core.lens.dispatch import Dispatch, OnWrite
from trapscope.core.lens.events import (
    CoreSynced,
    Faulted,
    Frame,
    FramePushed,
    FrameRewritten,
    GapOpened,
    Interrupted,
    IretExecuted,
    MachineCheckTaken,
    NmiTaken,
)
from trapscope.core.lens.kernel import Kernel
from trapscope.core.lens.record import Record
from trapscope.core.machine import MNEMONICS
from trapscope.core.trace import State
from trapscope.core.types import RIP, RSP, Context, Step, Write

IRETQ: Final = b"\x48\xcf"
BREAKPOINT: Final = 3
INVALID_OPCODE: Final = 6
FRAME_BYTES: Final = 40
_WORD: Final = 8
#: Copies of a frame are looked for in so many bytes below it: an IST stack has no more (the guest's segment.h).
_KEPT_WITHIN: Final = 2048
FIELDS: Final = ("ip", "cs", "flags", "sp", "ss")
#: No address: what `iretq` pops is not there any more.
OVERWRITTEN: Final = -1


@dataclass(slots=True)
class LiveFrame:
    """A frame on some stack. `hardware` is where the CPU pushed it, `addr` where `iretq` will look for it."""

    vector: int
    hardware: int
    addr: int
    pushed_ip: int
    words: list[int]
    watcher: OnWrite | None = None
    is_lost: bool = False
    """Another delivery overwrote it before anybody had kept a copy."""

    @property
    def rewritten(self) -> bool:
        """Whether the ip is another than the one that the CPU pushed."""
        return self.words[0] != self.pushed_ip


OnFrame = Callable[[LiveFrame, Step, State], None]


class Frames:
    """Follows every frame from the delivery to the `iretq`. `on_pushed` and `on_popped` are told of each."""

    def __init__(self, kernel: Kernel, dispatch: Dispatch, record: Record, contexts: Contexts) -> None:
        self._kernel, self._dispatch, self._record, self._contexts = kernel, dispatch, record, contexts
        self._live: dict[int, list[LiveFrame]] = {}
        self.on_pushed: list[OnFrame] = []
        self.on_popped: list[OnFrame] = []
        self.resumed: LiveFrame | None = None
        """The frame that the step at hand popped."""
        sync_core = kernel.image.symbol("sync_core")
        self._sync_core = range(sync_core.address, sync_core.address + sync_core.size)
        gap_entry = kernel.image.find("int3_create_gap")
        if gap_entry is not None:
            for address in range(gap_entry.address, gap_entry.address + gap_entry.size):
                dispatch.on_execution(address, self._look_for_gap)

    def delivered(self, step: Step, after: State) -> None:
        """A delivery: the step's first five writes are SS, RSP, RFLAGS, CS and RIP, in that order."""
        words = [int.from_bytes(write.new, "little") for write in reversed(step.writes[:5])]
        addr = step.writes[4].addr
        frame = LiveFrame(step.vector, addr, addr, words[0], words)
        task = self._contexts.task(step.cpu)
        interrupted = self._contexts.context(step.cpu)
        self._live.setdefault(task, []).append(frame)
        self._contexts.taken(step.cpu, step.vector, addr, after.memory)
        self._watch(frame)
        self._tell(step, words[0], interrupted)
        handler = self._kernel.function(after.regs[step.cpu][RIP])
        self._record.events.append(
            FramePushed(
                step.moment, step.cpu, step.vector, _as_event(addr, words), self._kernel.name(words[0]), handler
            )
        )
        self._count_traps(step.cpu, task, after)
        for listener in self.on_pushed:
            listener(frame, step, after)

    def iret_executed(self, step: Step, after: State) -> None:
        """`iretq` retired: what did it pop?"""
        regs = after.regs[step.cpu]
        stack = step.before(RSP, regs[RSP])
        task = self._contexts.task(step.cpu)
        frame = self._popped(task, stack, after)
        name = self._kernel.name(regs[RIP])
        if frame is None and step.rip in self._sync_core:
            self._record.events.append(CoreSynced(step.moment, step.cpu, regs[RIP]))
            return
        vector = -1 if frame is None else frame.vector
        self._record.events.append(IretExecuted(step.moment, step.cpu, vector, stack, regs[RIP], name, regs[RSP]))
        if frame is None:
            return
        self.resumed = frame
        self._contexts.returned(step.cpu, frame.hardware, after.memory)
        self._count_traps(step.cpu, task, after)
        for listener in self.on_popped:
            listener(frame, step, after)

    def _popped(self, task: int, stack: int, after: State) -> LiveFrame | None:
        """The innermost live frame at that address, else one whose words lie there; with it go those nested in it."""
        live = self._live.get(task, [])
        words = [after.memory.u64(stack + _WORD * index) for index in range(len(FIELDS))]
        at = _innermost(live, lambda frame: frame.addr == stack)
        if at is None:
            at = _innermost(live, lambda frame: frame.words == words)
        if at is None:
            at = _innermost(live, lambda frame: frame.hardware == stack and frame.addr == OVERWRITTEN)
            if at is None:
                return None
            if not live[at].is_lost:
                led_to, leads_to = self._kernel.name(live[at].words[0]), self._kernel.name(words[0])
                self._record.breach("frame-intact", frame_intact.overwritten(stack, led_to, leads_to))
        found = live[at]
        for gone in live[at:]:
            self._unwatch(gone)
        del live[at:]
        return found

    def _tell(self, step: Step, ip: int, interrupted: Context) -> None:
        """The event that names the vector. #BP has none here: its `int3` was an instruction, and has said so."""
        events, moment, cpu, name = self._record.events, step.moment, step.cpu, self._kernel.name(ip)
        if step.vector == BREAKPOINT:
            return
        if step.vector == NMI_VECTOR:
            events.append(NmiTaken(moment, cpu, ip, name, interrupted))
        elif step.vector == MCE_VECTOR:
            events.append(MachineCheckTaken(moment, cpu, ip, name, interrupted))
        elif step.vector >= FIRST_INTERRUPT:
            events.append(Interrupted(moment, cpu, step.vector, ip, name, interrupted))
        else:
            mnemonic = MNEMONICS.get(step.vector, f"vector {step.vector}")
            events.append(Faulted(moment, cpu, step.vector, mnemonic, max(step.error_code, 0), ip, name))

    def _count_traps(self, cpu: int, task: int, after: State) -> None:
        depth = sum(frame.vector == BREAKPOINT for frame in self._live.get(task, ()))
        self._contexts.trapped(task, depth, cpu, after.memory)

    def _watch(self, frame: LiveFrame) -> None:
        frame.watcher = partial(self._on_write, frame)
        self._dispatch.watch(frame.addr, FRAME_BYTES, frame.watcher)

    def _unwatch(self, frame: LiveFrame) -> None:
        if frame.watcher is not None:
            self._dispatch.unwatch(frame.addr, FRAME_BYTES, frame.watcher)
            frame.watcher = None

    def _on_write(self, frame: LiveFrame, step: Step, _write: Write, after: State) -> None:
        if step.vector >= 0:
            # A second delivery on the same IST stack: the words are gone, unless the entry code had copied them.
            self._unwatch(frame)
            frame.addr = OVERWRITTEN
            if not self._is_kept(frame, after):
                frame.is_lost = True
                led_to = self._kernel.name(frame.words[0])
                self._record.breach("frame-intact", frame_intact.lost(frame.hardware, led_to))
            return
        for index, field in enumerate(FIELDS):
            old, new = frame.words[index], after.memory.u64(frame.addr + _WORD * index)
            if old == new:
                continue
            frame.words[index] = new
            names = (self._kernel.name(old), self._kernel.name(new)) if field == "ip" else ("", "")
            self._record.events.append(
                FrameRewritten(step.moment, step.cpu, field, frame.addr + _WORD * index, old, new, *names)
            )

    def _is_kept(self, frame: LiveFrame, after: State) -> bool:
        """Whether its five words lie somewhere below it on its stack, as the NMI's entry keeps them."""
        stack = self._kernel.image.locate(frame.hardware)
        low = frame.hardware - min(_KEPT_WITHIN, _KEPT_WITHIN if stack is None else stack[1])
        below = after.memory.read(low, frame.hardware - low)
        words = struct.pack(f"<{len(FIELDS)}Q", *frame.words)
        return any(below.startswith(words, at) for at in range(0, len(below), _WORD))

    def _look_for_gap(self, step: Step, after: State) -> None:
        """In the entry with a gap: is the frame now where the sixth push puts its copy, above a copied orig_ax?"""
        live = self._live.get(self._contexts.task(step.cpu), [])
        if not step.writes or not live or live[-1].addr != live[-1].hardware:
            return
        frame, copy = live[-1], after.regs[step.cpu][RSP] + _WORD
        words = [after.memory.u64(copy + _WORD * index) for index in range(len(FIELDS))]
        if copy + FRAME_BYTES > frame.addr or words != frame.words:
            return
        self._unwatch(frame)
        frame.addr = copy
        self._watch(frame)
        gap = frame.hardware - copy
        self._record.events.append(GapOpened(step.moment, step.cpu, copy, frame.hardware, gap // _WORD))


def _innermost(live: list[LiveFrame], wanted: Callable[[LiveFrame], bool]) -> int | None:
    return next((i for i in reversed(range(len(live))) if wanted(live[i])), None)


def _as_event(addr: int, words: list[int]) -> Frame:
    ip, cs, flags, sp, ss = words
    return Frame(addr, ip, cs, flags, sp, ss)
