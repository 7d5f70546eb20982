"""Targets as people type them, to places and back to words.

rax@0   al@0   rflags[zf]@0       a register of a CPU, or a part of one
depth@0   slots[1]@0              of the int3 stack that the CPU would use at that moment
0xffffffff81002000+8              an address and a length in bytes; for a search also the local APIC's (0xfee00300+4)
report+0x10:4   report:4          a symbol, an offset, and after the colon a length
modifying_ftrace_code             a symbol alone: all of it
"""

from __future__ import annotations

import re
from typing import Final

from trapscope.core.errors import BadInput
from trapscope.core.image import Image, Symbol
from trapscope.core.lens.kernel import Kernel, high_half
from trapscope.core.machine.apic import BASE as APIC
from trapscope.core.machine.apic import REGISTERS as APIC_REGISTERS
from trapscope.core.trace import TraceIndex
from trapscope.core.types import KERNEL_MAP, RAM_BASE, REGISTERS, RunSpec, ram_offset
from trapscope.core.why.place import Bytes, Place, Register, is_device, register_named

#: The most bytes that a chain may begin with, and that a search may be for.
MOST_VALUE_BYTES: Final = 64
MOST_BYTES: Final = 4096
_WORD: Final = 8
_DEPTH: Final = 4

_OF_CPU: Final = re.compile(r"(?P<name>[a-z0-9_]+(?:\[[a-z0-9:,]*\])?)@(?P<cpu>[0-9]{1,3})")
_SLOT: Final = re.compile(r"slots\[(?P<index>[0-9]{1,3})\]")
_ADDRESS: Final = re.compile(r"(?P<address>0x[0-9a-f]{1,16})(?:[+:](?P<length>[0-9]{1,9}))?")
_SYMBOL: Final = re.compile(
    r"(?P<symbol>[A-Za-z_.$][\w.$]*)(?:\+(?P<offset>0x[0-9a-f]{1,16}|[0-9]{1,9}))?(?::(?P<length>[0-9]{1,9}))?",
    re.ASCII,
)
_OF_DEVICE: Final = (
    ": it is a register of the local APIC, of which every CPU has its own; find last-write and next-write know who"
    " stored to it"
)
_FORMS: Final = (
    "a register of a CPU (rax@0), depth@0 or slots[1]@0 of its int3 stack, an address and a length (0x…+8),"
    " or a symbol (report, report+0x10:4)"
)


class Targets:
    """Of one run: its guest, its design, its CPUs."""

    def __init__(self, image: Image, spec: RunSpec, kernel: Kernel, index: TraceIndex) -> None:
        self._image, self._spec, self._kernel, self._index = image, spec, kernel, index

    def value(self, text: str, moment: int) -> Place:
        """A register, or at most MOST_VALUE_BYTES bytes of RAM; raises BadInput, which says what would be right."""
        if (match := _OF_CPU.fullmatch(text)) is not None:
            return self._of_cpu(match["name"], self._cpu(match["cpu"], text), moment)
        return self._memory(text, MOST_VALUE_BYTES)

    def range(self, text: str, moment: int) -> Place:
        """The same with as many as MOST_BYTES bytes, which may also be the local APIC's."""
        if _OF_CPU.fullmatch(text) is not None:
            return self.value(text, moment)
        return self._memory(text, MOST_BYTES, or_device=True)

    def code(self, text: str) -> Bytes:
        """Where instructions begin: a symbol's range, or one address; raises BadInput."""
        if (match := _ADDRESS.fullmatch(text)) is not None:
            return Bytes(int(match["address"], 16), self._length(match["length"] or "1", text, MOST_BYTES))
        if (match := _SYMBOL.fullmatch(text)) is not None:
            symbol = self._symbol(match["symbol"], text)
            if match["offset"] is None and match["length"] is None:
                return Bytes(symbol.address, min(max(symbol.size, 1), MOST_BYTES))
            offset = int(match["offset"] or "0", 0)
            return Bytes(symbol.address + offset, self._length(match["length"] or "1", text, MOST_BYTES))
        raise BadInput(f"“{text}” is no place of code: give a symbol (traced_fn, traced_fn+0x5) or an address (0x…)")

    def name(self, place: Place) -> str:
        """The place for people: `rax of CPU 0`, `worker: slots[1]`, `current_task of CPU 1`, `traced_fn+0x1`."""
        if isinstance(place, Register):
            return f"{str(place).partition('@')[0]} of CPU {place.cpu}"
        if is_device(place):
            return f"local APIC: {APIC_REGISTERS.get(place.address - APIC, f'+{place.address - APIC:#x}')}"
        try:
            address = KERNEL_MAP + RAM_BASE + ram_offset(place.address)
        except ValueError:
            return f"{place.address:#x}"
        return self._on_int3_stack(address) or self._per_cpu(address) or self._kernel.name(address)

    def _of_cpu(self, name: str, cpu: int, moment: int) -> Place:
        if name == "depth":
            return Bytes(self._int3_stack(cpu, moment) + self._kernel.depth, _DEPTH)
        if (slot := _SLOT.fullmatch(name)) is not None:
            index, count = int(slot["index"]), self._kernel.slot_count
            if index >= count:
                raise BadInput(f"there is no slots[{index}]: an int3 stack has slots[0] to slots[{count - 1}]")
            return Bytes(self._int3_stack(cpu, moment) + self._kernel.slots + index * _WORD, _WORD)
        register = register_named(name, cpu)
        if register is None:
            raise BadInput(
                f"a CPU has no “{name}”: a trace has {', '.join(REGISTERS)}, their parts (eax, al, rflags[zf]),"
                " and depth and slots[0] of an int3 stack"
            )
        return register

    def _int3_stack(self, cpu: int, moment: int) -> int:
        """Where the stack is that the CPU would push to: its own under percpu, else its current task's."""
        gs_base = self._kernel.gs_base[cpu]
        if self._spec.design == "percpu":
            return gs_base + self._kernel.cpu_stacks[0]
        task = int.from_bytes(self._index.memory(gs_base + self._kernel.current_task, _WORD, moment), "little")
        return task + self._kernel.task_stack

    def _memory(self, text: str, most: int, *, or_device: bool = False) -> Bytes:
        if (match := _ADDRESS.fullmatch(text)) is not None:
            if match["length"] is None:
                raise BadInput(f"“{text}” needs a length in bytes: {text}+8")
            place = Bytes(int(match["address"], 16), self._length(match["length"], text, most))
            return place if or_device and is_device(place) else self._in_ram(place)
        if (match := _SYMBOL.fullmatch(text)) is None:
            raise BadInput(f"“{text}” is no target: give {_FORMS}")
        symbol = self._symbol(match["symbol"], text)
        offset, length = int(match["offset"] or "0", 0), match["length"]
        if length is not None:
            return self._in_ram(Bytes(symbol.address + offset, self._length(length, text, most)))
        if offset or not 1 <= symbol.size <= most:
            raise BadInput(f"“{text}” needs a length in bytes, 1 to {most}: {text}:8")
        return self._in_ram(Bytes(symbol.address, symbol.size))

    def _symbol(self, name: str, text: str) -> Symbol:
        found = self._image.find(name)
        if found is None and (name == "depth" or register_named(name, 0) is not None):
            raise BadInput(f"“{text}”: of which CPU? {name}@0")
        if found is None:
            raise BadInput(f"“{text}”: the guest has no symbol {name} (`trapscope guest symbols` lists them)")
        if found.per_cpu:
            places = ", ".join(f"{base + found.address:#x}" for base in self._kernel.gs_base)
            raise BadInput(f"“{text}”: every CPU has its own {name}, at {places}: give an address and a length")
        return found

    def _in_ram(self, place: Bytes) -> Bytes:
        try:
            ram_offset(place.address)
            ram_offset(place.address + place.length - 1)
        except ValueError:
            raise BadInput(f"{place} is not in the guest's RAM{_OF_DEVICE if is_device(place) else ''}") from None
        return place

    def _length(self, text: str, target: str, most: int) -> int:
        if not 1 <= int(text) <= most:
            raise BadInput(f"“{target}”: a length is 1 to {most} bytes, not {int(text)}")
        return int(text)

    def _cpu(self, text: str, target: str) -> int:
        if int(text) >= self._spec.cpus:
            last = self._spec.cpus - 1
            raise BadInput(
                f"“{target}”: this run has no CPU {int(text)}, only {'CPU 0' if not last else f'0 to {last}'}"
            )
        return int(text)

    def _on_int3_stack(self, address: int) -> str | None:
        kernel = self._kernel
        stacks = [(task + kernel.task_stack, self._task_name(task)) for task in kernel.tasks]
        stacks += [
            (base + offset, f"CPU {cpu}") for offset in kernel.cpu_stacks for cpu, base in enumerate(kernel.gs_base)
        ]
        for stack, owner in stacks:
            within = address - stack
            if kernel.depth <= within < kernel.depth + _DEPTH:
                return f"{owner}: depth"
            slot, odd = divmod(within - kernel.slots, _WORD)
            if 0 <= slot < kernel.slot_count:
                return f"{owner}: slots[{slot}]{f'+{odd}' if odd else ''}"
        return None

    def _task_name(self, task: int) -> str:
        raw = self._index.memory(task + self._kernel.comm, self._kernel.comm_bytes, len(self._index.trace))
        return raw.split(b"\0")[0].decode("ascii", "replace") or self._kernel.name(task)

    def _per_cpu(self, address: int) -> str | None:
        for cpu, base in enumerate(self._kernel.gs_base):
            name = self._image.per_cpu_name(address - high_half(base))
            if name is not None:
                return f"{name.removesuffix('+0x0')} of CPU {cpu}"
        return None
