"""The int3 stacks, a task's or a CPU's: every push and pop as the two accesses that it is.

A push is two stores (depth, slot), a pop is a load and a store (slot, depth); which comes first depends on the
variant, and what may come in between is what the variants are about.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from trapscope.core.lens.accesses import Accesses
from trapscope.core.lens.checks import int3_stack
from trapscope.core.lens.contexts import Contexts
from trapscope.core.lens.dispatch import Dispatch
from trapscope.core.lens.events import PopBegun, PushBegun, SlotPopped, SlotPushed, StackAccess
from trapscope.core.lens.frames import Frames, LiveFrame
from trapscope.core.lens.kernel import Kernel, high_half
from trapscope.core.lens.record import Record
from trapscope.core.lens.trap import SLOT_BYTES, Int3Stack, Owner, Phase, Pushed, Trap, signed
from trapscope.core.lens.traps import Traps
from trapscope.core.trace import Memory, State
from trapscope.core.types import Step, Write

_PAGE_FAULT: Final = 14
#: How far behind the last slot a push without a bound is looked for, in slots.
_REACH: Final = 4


class Int3Stacks:
    """All int3 stacks of the guest, and the pushes and pops of the open traps."""

    def __init__(
        self, kernel: Kernel, dispatch: Dispatch, record: Record, contexts: Contexts, frames: Frames, traps: Traps,
        accesses: Accesses,
    ) -> None:  # fmt: skip
        self._kernel, self._record, self._contexts, self._traps = kernel, record, contexts, traps
        self._accesses = accesses
        self._of_task = {t: self._at(t + kernel.task_stack, partial(kernel.task_name, t)) for t in kernel.tasks}
        self._of_cpu = [
            self._at(gs_base + offset, partial(_cpu_owner, cpu))
            for offset in kernel.cpu_stacks
            for cpu, gs_base in enumerate(kernel.gs_base)
        ]
        self.all = (*self._of_task.values(), *self._of_cpu)
        for stack in self.all:
            behind = stack.slot_at(kernel.slot_count)
            dispatch.watch(stack.depth_at, 4, partial(self._on_depth, stack))
            dispatch.watch(stack.slots_at, behind - stack.slots_at, partial(self._on_slot, stack))
            dispatch.watch(behind, _REACH * SLOT_BYTES, partial(self._on_neighbour, stack))
        for address in traps.stub_addresses:
            dispatch.on_execution(address, self._on_stub)
        frames.on_pushed.append(self._on_delivery)
        traps.on_over.append(self._on_over)

    def depth_of_task(self, task: int, memory: Memory) -> int:
        """How many slots of the task are occupied; 0 for what is no task."""
        stack = self._of_task.get(task)
        return stack.depth(memory) if stack else 0

    def look_at_rest(self, memory: Memory) -> None:
        """At the end of a scenario: what is not pending must not be on a stack."""
        for stack in self.all:
            self._look_at(stack, memory)

    def _look_at(self, stack: Int3Stack, memory: Memory) -> None:
        depth, pending = stack.depth(memory), len(stack.pending)
        detail = int3_stack.at_rest(stack.owner(memory), depth, pending)
        if detail is not None and stack.told != (depth, pending):
            stack.told = depth, pending
            self._record.breach("depth-zero-at-rest", detail)

    def _at(self, address: int, owner: Owner) -> Int3Stack:
        return Int3Stack(address + self._kernel.depth, address + self._kernel.slots, owner)

    def _on_depth(self, stack: Int3Stack, step: Step, write: Write, after: State) -> None:
        start = stack.depth_at - high_half(write.addr)
        if start < 0 or start + 4 > len(write.old):
            return
        old, new, count = signed(write.old[start : start + 4]), stack.depth(after.memory), self._kernel.slot_count
        if not 0 <= new <= count:
            self._record.breach("depth-in-bounds", int3_stack.out_of_bounds(stack.owner(after.memory), new, count))
        trap = self._trap(step)
        if trap is None:
            return
        if trap.phase is Phase.HANDLER and new > old:
            self._push(stack, trap, step, old, "depth", after)
        elif trap.phase is Phase.STUB and new < old:
            self._pop(stack, trap, step, new, "depth", after)

    def _on_slot(self, stack: Int3Stack, step: Step, write: Write, after: State) -> None:
        trap = self._trap(step)
        if trap is not None and trap.phase is Phase.HANDLER:
            index = (high_half(write.addr) - stack.slots_at) // SLOT_BYTES
            self._push(stack, trap, step, index, "slot", after)

    def _on_neighbour(self, stack: Int3Stack, step: Step, write: Write, after: State) -> None:
        """Behind the last slot: a push went too far if what the handler stored is what it was to save."""
        trap = self._trap(step)
        value = int.from_bytes(write.new, "little")
        if trap is None or trap.phase is not Phase.HANDLER or value != trap.return_address:
            return
        index = (high_half(write.addr) - stack.slots_at) // SLOT_BYTES
        old = int.from_bytes(write.old, "little")
        self._record.breach(
            "neighbours-untouched", int3_stack.beyond(stack.owner(after.memory), index, write.addr, old, value)
        )
        self._push(stack, trap, step, index, "slot", after)

    def _on_stub(self, step: Step, after: State) -> None:
        """A pop's load: the stub read a slot of some stack."""
        trap = self._trap(step)
        if trap is None or trap.phase is not Phase.STUB:
            return
        for address, size in self._accesses.loads(step, after):
            for stack in self.all if size == SLOT_BYTES else ():
                index, odd = divmod(high_half(address) - stack.slots_at, SLOT_BYTES)
                if odd == 0 and (-1 <= index < self._kernel.slot_count or trap.has_pushed(stack, index)):
                    self._judge_popped(trap, stack, index, after.memory)
                    self._pop(stack, trap, step, index, "slot", after)
                    return

    def _on_delivery(self, frame: LiveFrame, step: Step, after: State) -> None:
        """A page fault at a stub's own instruction: the depth that it found led to no slot at all."""
        trap = self._traps.current(self._contexts.task(step.cpu))
        if frame.vector == _PAGE_FAULT and trap is not None and step.rip in self._traps.stub_addresses and trap.pushed:
            pushed = trap.pushed
            self._record.breach(
                "slot-integrity",
                int3_stack.nothing_to_pop(pushed.stack.owner(after.memory), pushed.index, pushed.value),
            )

    def _on_over(self, trap: Trap, after: State) -> None:
        """The trap has ended, so its slot is free; when the last one of a stack is, its depth must be 0."""
        if trap.pushed is None:
            return
        stack = trap.pushed.stack
        if trap in stack.pending:
            stack.pending.remove(trap)
        if not stack.pending:
            self._look_at(stack, after.memory)

    def _push(self, stack: Int3Stack, trap: Trap, step: Step, index: int, access: str, after: State) -> None:
        kind = SlotPushed if trap.half_done else PushBegun
        trap.half_done = not trap.half_done
        if trap not in stack.pending:
            stack.pending.append(trap)
        if access == "slot":
            trap.pushed = Pushed(stack, index, after.memory.u64(stack.slot_at(index)))
        self._raise(kind, stack, step, index, access, after)

    def _pop(self, stack: Int3Stack, trap: Trap, step: Step, index: int, access: str, after: State) -> None:
        kind = SlotPopped if trap.half_done else PopBegun
        trap.half_done = not trap.half_done
        if kind is SlotPopped and trap in stack.pending:
            stack.pending.remove(trap)
        self._raise(kind, stack, step, index, access, after)

    def _raise(
        self, kind: type[StackAccess], stack: Int3Stack, step: Step, index: int, access: str, after: State
    ) -> None:
        lane = self._contexts.lane(step.cpu)
        touched = stack.depth_at if access == "depth" else stack.slot_at(index)
        value = after.memory.u64(stack.slot_at(index))
        owner, depth = stack.owner(after.memory), stack.depth(after.memory)
        self._record.events.append(
            kind(step.moment, step.cpu, owner, lane.task, index, value, depth, lane.context, access, touched)
        )

    def _judge_popped(self, trap: Trap, stack: Int3Stack, index: int, memory: Memory) -> None:
        value = memory.u64(stack.slot_at(index))
        pushed = trap.pushed
        if pushed is None:
            self._record.breach("slot-integrity", int3_stack.never_pushed(stack.owner(memory), index, value))
            return
        what = pushed.stack.owner(memory), pushed.index, pushed.value
        if detail := int3_stack.popped_other(what, (stack.owner(memory), index, value)):
            self._record.breach("slot-integrity", detail)

    def _trap(self, step: Step) -> Trap | None:
        """The trap that an instruction works for; none for a delivery."""
        return None if step.vector >= 0 else self._traps.current(self._contexts.task(step.cpu))


def _cpu_owner(cpu: int, _memory: Memory) -> str:
    return f"cpu {cpu}"
