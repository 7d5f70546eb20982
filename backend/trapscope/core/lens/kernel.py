"""Where the guest keeps what the lens looks at: asked of the image once, read from memory when needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trapscope.core.image import Image
from trapscope.core.trace import Memory, State
from trapscope.core.types import DIRECT_MAP, GS_BASE, KERNEL_MAP, MASK64

CALL_BYTES: Final = 5
_CALL: Final = 0xE8


@dataclass(frozen=True, slots=True)
class SitePlace:
    """Five bytes that the guest rewrites. `kind`: function (its first instruction), trampoline (a call inside one)."""

    address: int
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class PatchedFunction:
    """A live patch's pair of functions."""

    old: int
    new: int


class Kernel:
    """Addresses, layouts and names of the guest."""

    #: Labels of the calls inside trampolines (ftrace_64.S).
    TRAMPOLINE_SITES: Final = ("ftrace_call", "ftrace_regs_call", "klp_call")
    #: Every stub's name begins so (ftrace_int3_stubs.S).
    STUB_PREFIX: Final = "ftrace_int3_stub_"

    def __init__(self, image: Image, start: State) -> None:
        self.image = image
        self.text = range(image.symbol("_text").address, image.symbol("_etext").address)
        self.gs_base = tuple(regs[GS_BASE] for regs in start.regs)
        self.current_task = image.symbol("current_task").address
        self.preempt_count = image.symbol("__preempt_count").address
        self.mce_count = image.symbol("mce_count").address
        self.comm = image.offset("task_struct", "comm")
        self.comm_bytes = image.struct("task_struct").member("comm").size
        self.tasks = tuple(variable.address for variable in image.variables_of("struct task_struct"))
        stack = image.struct("ftrace_int3_stack")
        self.depth = stack.member("depth").offset
        self.slots = stack.member("slots").offset
        self.slot_count = stack.member("slots").extents[0]
        self.cpu_stacks = tuple(
            v.address for v in image.variables_of("struct ftrace_int3_stack") if v.address < self.text.start
        )
        """Offsets from the GS base."""
        self.task_stack = image.offset("task_struct", "thread_info.ftrace_int3_stack")
        self.sites = (*self._function_sites(start.memory), *self._trampoline_sites())
        self.stubs = tuple(s for s in image.symbols if s.name.startswith(self.STUB_PREFIX) and s.size)
        self.patched = tuple(
            PatchedFunction(
                start.memory.u64(variable.address + image.offset("klp_func", "old_func")),
                start.memory.u64(variable.address + image.offset("klp_func", "new_func")),
            )
            for variable in image.variables_of("struct klp_func")
        )

    def name(self, address: int) -> str:
        """`traced_fn+0x5`, or the address where no symbol covers it."""
        return self.image.name(address) or f"{address:#x}"

    def function(self, address: int) -> str:
        """The symbol that covers the address, without the offset."""
        found = self.image.locate(address)
        return found[0].name if found else f"{address:#x}"

    def task_name(self, task: int, memory: Memory) -> str:
        """The task's comm; its address where there is no such memory."""
        try:
            raw = memory.read(task + self.comm, self.comm_bytes)
        except ValueError:
            return f"{task:#x}"
        return raw.split(b"\0")[0].decode("ascii", "replace") or f"{task:#x}"

    def call_target(self, site: int, code: bytes) -> int | None:
        """Where `call rel32` at `site` goes; None for any other instruction."""
        if len(code) != CALL_BYTES or code[0] != _CALL:
            return None
        return (site + CALL_BYTES + int.from_bytes(code[1:], "little", signed=True)) & MASK64

    def _function_sites(self, memory: Memory) -> list[SitePlace]:
        """The guest's own records, as ftrace_init() left them in `ftrace_pages`."""
        pages = self.image.symbol("ftrace_pages").address
        records = memory.u64(pages + self.image.offset("ftrace_page", "records"))
        count = memory.u32(pages + self.image.offset("ftrace_page", "index"))
        stride = self.image.struct("dyn_ftrace").size
        ip = self.image.offset("dyn_ftrace", "ip")
        addresses = [memory.u64(records + index * stride + ip) for index in range(count)]
        return [SitePlace(address, "function", self.function(address)) for address in addresses]

    def _trampoline_sites(self) -> list[SitePlace]:
        found = [self.image.find(name) for name in self.TRAMPOLINE_SITES]
        return [SitePlace(symbol.address, "trampoline", symbol.name) for symbol in found if symbol is not None]


def high_half(address: int) -> int:
    """The address in the kernel's mapping of what an address of either mapping names."""
    return address if address >= KERNEL_MAP else address - DIRECT_MAP + KERNEL_MAP
