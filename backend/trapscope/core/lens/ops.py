"""Who traces: the guest's `ftrace_ops_list`, read from memory whenever it may have changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from trapscope.core.lens.dispatch import Dispatch, OnStep
from trapscope.core.lens.kernel import Kernel
from trapscope.core.trace import Memory, State
from trapscope.core.types import Step, Write

#: A list longer than this is a cycle that somebody's mistake has made.
_MOST_OPS: Final = 64


@dataclass(frozen=True, slots=True)
class Ops:
    """One `struct ftrace_ops` in the list."""

    address: int
    name: str
    func: int
    trampoline: int
    wants_regs: bool
    ips: frozenset[int]

    def matches(self, ip: int) -> bool:
        return ip in self.ips


class OpsList:
    """The list as it is now. `on_func` is called when a callback of it is entered."""

    def __init__(self, kernel: Kernel, dispatch: Dispatch, start: State, on_func: OnStep) -> None:
        self._kernel, self._dispatch, self._on_func = kernel, dispatch, on_func
        image = kernel.image
        self._head = image.symbol("ftrace_ops_list").address
        self._size = image.struct("ftrace_ops").size
        self._func, self._next, self._flags, self._trampoline, self._count, self._ips = (
            image.offset("ftrace_ops", path)
            for path in ("func", "next", "flags", "trampoline", "filter_hash.count", "filter_hash.ips")
        )
        self._save_regs = image.enum("ftrace_ops_flags")["FTRACE_OPS_FL_SAVE_REGS"]
        self._without_regs = image.symbol("ftrace_caller").address
        self._capacity = image.struct("ftrace_ops").resolve("filter_hash.ips")[1].extents[0]
        self._known: set[int] = set()
        self._funcs: set[int] = set()
        self.now: tuple[Ops, ...] = ()
        self.on_change: list[Callable[[], None]] = []
        dispatch.watch(self._head, 8, self._on_write)
        for variable in image.variables_of("struct ftrace_ops"):
            self._know(variable.address)
        self._read(start.memory)

    def at(self, address: int) -> Ops | None:
        """The ops at that address, if it is in the list."""
        return next((ops for ops in self.now if ops.address == address), None)

    def matching(self, ip: int) -> tuple[Ops, ...]:
        """Those that want to be called for the site."""
        return tuple(ops for ops in self.now if ops.matches(ip))

    def served_by(self, site: int, target: int | None) -> frozenset[Ops]:
        """Those that a call from `site` to `target` reaches.

        A trampoline of its own serves one, ftrace_regs_caller all, ftrace_caller those that want no registers.
        """
        if target is None:
            return frozenset()
        own = [ops for ops in self.now if ops.trampoline == target]
        return frozenset(
            own or [ops for ops in self.matching(site) if target != self._without_regs or not ops.wants_regs]
        )

    def _on_write(self, _step: Step, _write: Write, after: State) -> None:
        self._read(after.memory)
        for listener in self.on_change:
            listener()

    def _read(self, memory: Memory) -> None:
        found: list[Ops] = []
        address = memory.u64(self._head)
        while address and len(found) < _MOST_OPS:
            self._know(address)
            found.append(self._one(address, memory))
            address = memory.u64(address + self._next)
        self.now = tuple(found)
        for ops in found:
            if ops.func not in self._funcs:
                self._funcs.add(ops.func)
                self._dispatch.on_arrival(ops.func, self._on_func)

    def _one(self, address: int, memory: Memory) -> Ops:
        count = min(memory.u32(address + self._count), self._capacity)
        ips = frozenset(memory.u64(address + self._ips + 8 * index) for index in range(count))
        func, trampoline = memory.u64(address + self._func), memory.u64(address + self._trampoline)
        wants_regs = bool(memory.u32(address + self._flags) & self._save_regs)
        return Ops(address, self._kernel.function(address), func, trampoline, wants_regs, ips)

    def _know(self, address: int) -> None:
        if address not in self._known:
            self._known.add(address)
            self._dispatch.watch(address, self._size, self._on_write)
