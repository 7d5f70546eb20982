"""What happens to tasks: softirqs on top of them, preemption before an `iretq`, migration, fork, `hlt`, death."""

from __future__ import annotations

from functools import partial

from trapscope.core.lens.checks import faults
from trapscope.core.lens.contexts import Contexts
from trapscope.core.lens.dispatch import Dispatch
from trapscope.core.lens.events import Forked, Halted, Migrated, Preempted, SoftirqBegun
from trapscope.core.lens.int3_stacks import Int3Stacks
from trapscope.core.lens.kernel import Kernel
from trapscope.core.lens.record import Record
from trapscope.core.trace import State
from trapscope.core.types import RDI, RSI, RSP, Step, Write


class Scheduling:
    """Watches the scheduler's functions and `current_task` of every CPU."""

    def __init__(
        self, kernel: Kernel, dispatch: Dispatch, record: Record, contexts: Contexts, stacks: Int3Stacks
    ) -> None:
        self._kernel, self._dispatch, self._record = kernel, dispatch, record
        self._contexts, self._stacks = contexts, stacks
        self._last_cpu = {contexts.task(cpu): cpu for cpu in range(len(kernel.gs_base))}
        self._forks: list[tuple[int, int, int]] = []
        self._fork_returns: set[int] = set()
        for cpu, gs_base in enumerate(kernel.gs_base):
            dispatch.watch(gs_base + kernel.current_task, 8, partial(self._on_switch, cpu))
        for name, handler in (
            ("__do_softirq", self._on_softirq),
            ("preempt_schedule_irq", self._on_preempt),
            ("arch_dup_task_struct", self._on_fork),
            ("die", self._on_death),
        ):
            symbol = kernel.image.find(name)
            if symbol is not None:
                dispatch.on_arrival(symbol.address, handler)

    def halted(self, step: Step, _after: State) -> None:
        """`hlt` retired."""
        self._record.events.append(Halted(step.moment, step.cpu, step.rip, self._kernel.name(step.rip)))

    def _on_softirq(self, step: Step, _after: State) -> None:
        self._record.events.append(SoftirqBegun(step.moment, step.cpu, self._contexts.lane(step.cpu).task))

    def _on_preempt(self, step: Step, after: State) -> None:
        task = self._contexts.task(step.cpu)
        depth = self._stacks.depth_of_task(task, after.memory)
        self._record.events.append(Preempted(step.moment, step.cpu, self._kernel.task_name(task, after.memory), depth))

    def _on_switch(self, cpu: int, step: Step, _write: Write, after: State) -> None:
        task = self._contexts.task(cpu)
        last = self._last_cpu.get(task, cpu)
        self._last_cpu[task] = cpu
        if last != cpu:
            depth = self._stacks.depth_of_task(task, after.memory)
            name = self._kernel.task_name(task, after.memory)
            self._record.events.append(Migrated(step.moment, step.cpu, name, last, depth))

    def _on_fork(self, step: Step, after: State) -> None:
        """arch_dup_task_struct(dst, src) begins; the event comes when it returns."""
        regs = after.regs[step.cpu]
        back = after.memory.u64(regs[RSP])
        self._forks.append((regs[RSP], regs[RDI], regs[RSI]))
        if back not in self._fork_returns:
            self._fork_returns.add(back)
            self._dispatch.on_arrival(back, self._on_forked)

    def _on_forked(self, step: Step, after: State) -> None:
        stack = after.regs[step.cpu][RSP] - 8
        for fork in self._forks:
            if fork[0] == stack:
                self._forks.remove(fork)
                child, parent = (self._kernel.task_name(task, after.memory) for task in fork[1:])
                depth = self._stacks.depth_of_task(fork[1], after.memory)
                self._record.events.append(Forked(step.moment, step.cpu, parent, child, depth, fork[1]))
                return

    def _on_death(self, step: Step, after: State) -> None:
        """die(trapnr, regs, error_code): faults have been found at their delivery, an int3 only now."""
        regs = after.regs[step.cpu]
        trapnr, frame = regs[RDI], regs[RSI]
        if trapnr == 3:
            ip = after.memory.u64(frame + self._kernel.image.offset("pt_regs", "ip"))
            self._record.breach("no-unexpected-fault", faults.unclaimed(self._kernel.name(ip - 1)))
