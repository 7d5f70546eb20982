"""What each CPU is doing, read from the guest's own words: current_task, __preempt_count, mce_count.

The guest counts an interrupt some instructions after the CPU has taken it. From the delivery until then, the
vector says what the context is; after that the count does, so that code between irq_exit() and `iretq` is what
the kernel itself would call it. Only the innermost delivery can be counting: nmi_enter() raises the interrupts' count
too, which says nothing of an interrupt that the NMI came into. Machine checks and NMIs come into each other, so of
those two the later one counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Final

from trapscope.core.lens.dispatch import Dispatch
from trapscope.core.lens.kernel import Kernel
from trapscope.core.lens.lane import Lane
from trapscope.core.trace import Memory, State
from trapscope.core.types import Context, Step, Write

#: preempt_count's fields, as in the kernel (include/linux/preempt.h, v5.0).
_SOFTIRQ_MASK: Final = 0x0000FF00
_HARDIRQ_MASK: Final = 0x000F0000
_NMI_MASK: Final = 0x00100000
_HARDIRQ_SHIFT: Final = 16
#: The counts of interrupts and, behind them, of NMIs: one addition raises both.
_NESTING_MASK: Final = 0xFF
_ANY_MASK: Final = _SOFTIRQ_MASK | _HARDIRQ_MASK | _NMI_MASK

NMI_VECTOR: Final = 2
MCE_VECTOR: Final = 18
#: The first vector that is not an exception's (SDM vol. 3A, table 6-1).
FIRST_INTERRUPT: Final = 32

_RANK: Final = {context: rank for rank, context in enumerate(Context)}


def context_of_vector(vector: int) -> Context | None:
    """The context that taking this vector opens; None for a trap, which stays in the one it came from."""
    if vector == NMI_VECTOR:
        return Context.NMI
    if vector == MCE_VECTOR:
        return Context.MCE
    return Context.IRQ if vector >= FIRST_INTERRUPT else None


@dataclass(slots=True)
class _Open:
    """A delivery whose frame no `iretq` has consumed. `done`: the guest has counted it, and said that it is over."""

    frame: int
    context: Context
    counted: bool = False
    done: bool = False


@dataclass(slots=True)
class _Cpu:
    task: int
    count: int
    mce_count: int
    lane: Lane
    open: list[_Open] = field(default_factory=list)
    """Deliveries from the outermost to the innermost. An interrupt's frame may be consumed on another CPU, by a task
    that was preempted: it stands here only until it is done."""

    def counted(self, context: Context) -> int:
        """How often the guest's words have the context in them."""
        if context is Context.MCE:
            return self.mce_count
        if context is Context.NMI:
            return self.count & _NMI_MASK
        if context is Context.IRQ:
            return self.count & _HARDIRQ_MASK
        return self.count & _SOFTIRQ_MASK

    def nesting(self, context: Context) -> int:
        """How deep the guest's words say that it is nested; NMIs and interrupts are counted by the same additions."""
        return self.mce_count if context is Context.MCE else self.count >> _HARDIRQ_SHIFT & _NESTING_MASK

    @property
    def context(self) -> Context:
        if not (any(not delivery.done for delivery in self.open) or self.mce_count or self.count & _ANY_MASK):
            return Context.PROCESS
        by_vector = [delivery.context for delivery in self.open if not delivery.done]
        by_count = [c for c in Context if c is not Context.PROCESS and self.counted(c)]
        found = max([Context.PROCESS, *by_count, *by_vector], key=_RANK.__getitem__)
        if found is Context.MCE:
            return next((c for c in reversed(by_vector) if c in (Context.NMI, Context.MCE)), found)
        return found


class Contexts:
    """Current task and context of every CPU, and the lane that a step belongs to."""

    def __init__(self, kernel: Kernel, dispatch: Dispatch, start: State) -> None:
        self._kernel = kernel
        self._lanes: dict[tuple[Context, int, str], Lane] = {}
        self._traps: dict[int, int] = {}
        self._cpus: list[_Cpu] = []
        for number, gs_base in enumerate(kernel.gs_base):
            cpu = _Cpu(0, 0, 0, Lane(Context.PROCESS, 0, ""))
            self._cpus.append(cpu)
            self._read(cpu, gs_base, start.memory)
            self._refresh(number, start.memory)
            for offset, length in ((kernel.current_task, 8), (kernel.preempt_count, 4), (kernel.mce_count, 4)):
                dispatch.watch(gs_base + offset, length, partial(self._on_write, number))

    def task(self, cpu: int) -> int:
        """The address of the task that the CPU runs."""
        return self._cpus[cpu].task

    def context(self, cpu: int) -> Context:
        return self._cpus[cpu].context

    def lane(self, cpu: int) -> Lane:
        """Where the CPU's next instruction belongs."""
        return self._cpus[cpu].lane

    def taken(self, cpu: int, vector: int, frame: int, memory: Memory) -> None:
        """The CPU took `vector` and pushed a frame at that address."""
        context = context_of_vector(vector)
        if context is not None:
            self._cpus[cpu].open.append(_Open(frame, context))
        self._refresh(cpu, memory)

    def returned(self, cpu: int, frame: int, memory: Memory) -> None:
        """`iretq` consumed the frame at that address: the innermost one, where one delivery overwrote another's."""
        deliveries = self._cpus[cpu].open
        at = next((at for at in reversed(range(len(deliveries))) if deliveries[at].frame == frame), None)
        if at is not None:
            del deliveries[at:]
        self._refresh(cpu, memory)

    def trapped(self, task: int, depth: int, cpu: int, memory: Memory) -> None:
        """`task`, which `cpu` runs, is inside that many int3 traps."""
        self._traps[task] = depth
        self._refresh(cpu, memory)

    def _on_write(self, number: int, _step: Step, _write: Write, after: State) -> None:
        cpu = self._cpus[number]
        innermost = next((delivery for delivery in reversed(cpu.open) if not delivery.done), None)
        before = 0 if innermost is None else cpu.nesting(innermost.context)
        self._read(cpu, self._kernel.gs_base[number], after.memory)
        if innermost is not None:
            now = cpu.nesting(innermost.context)
            if now > before:
                innermost.counted = True
            elif now < before and innermost.counted:
                innermost.done = True
                if innermost.context is Context.IRQ:
                    cpu.open.remove(innermost)
        self._refresh(number, after.memory)

    def _read(self, cpu: _Cpu, gs_base: int, memory: Memory) -> None:
        cpu.task = memory.u64(gs_base + self._kernel.current_task)
        cpu.count = memory.u32(gs_base + self._kernel.preempt_count)
        cpu.mce_count = memory.u32(gs_base + self._kernel.mce_count)

    def _refresh(self, number: int, memory: Memory) -> None:
        cpu = self._cpus[number]
        key = cpu.context, self._traps.get(cpu.task, 0), self._kernel.task_name(cpu.task, memory)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(*key)
        cpu.lane = lane
