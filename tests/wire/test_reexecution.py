"""Somebody else's emulator makes every step again from what the JSON lines say was there before it.

A plain Unicorn, set up from the ELF and the lines alone: for each instruction the registers and the memory before it go
in, one instruction runs, and what it stores, to RAM and to the local APIC's page, must be what the line says. Only what
takes tables that a trace does not hold (an `iretq`'s descriptors, say) is left out, by name, and none of it may store.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import pytest
from unicorn import UC_ARCH_X86, UC_HOOK_MEM_WRITE, UC_MODE_64, UC_PROT_ALL, Uc, unicorn_const, x86_const

from tests.wire.test_jsonl import DIRECT_MAP, KERNEL_MAP, RAM, Line, Machine, lines_of
from trapscope.core.image import Image
from trapscope.core.types import REGISTERS

APIC: Final = 0xFEE00000
NEEDS_TABLES: Final = {"iretq", "hlt", "int3", "ud2", "cpuid", "rdmsr", "wrmsr", "cli", "sti"}
IN_TRACE: Final = {
    **{
        name: getattr(x86_const, f"UC_X86_REG_{name.upper()}")
        for name in REGISTERS
        if name not in ("rflags", "cs", "ss")
    },
    "rflags": x86_const.UC_X86_REG_EFLAGS,
}
RUNS: Final = [
    ("first-call", "thread"),
    ("two-sites", "thread"),
    ("patch-live", "thread"),
    ("patch-live", "percpu"),
    ("preempt-migrate", "percpu"),
]


class Stranger:
    """A plain emulator; `stored` is what its last instruction wrote: (address, bytes)."""

    def __init__(self) -> None:
        self._uc = Uc(UC_ARCH_X86, UC_MODE_64)
        self._uc.ctl_set_tlb_mode(unicorn_const.UC_TLB_VIRTUAL)
        for base in (KERNEL_MAP, DIRECT_MAP):
            self._uc.mem_map(base + RAM.start, len(RAM), UC_PROT_ALL)
        self._uc.mem_map(APIC, 0x1000, UC_PROT_ALL)
        self.stored: list[tuple[int, bytes]] = []
        self._uc.hook_add(UC_HOOK_MEM_WRITE, self._on_write)

    def hold(self, address: int, data: bytes) -> None:
        """Let both mappings of RAM hold these bytes."""
        offset = address - (KERNEL_MAP if address >= KERNEL_MAP else DIRECT_MAP)
        for base in (KERNEL_MAP, DIRECT_MAP):
            self._uc.mem_write(base + offset, data)

    def make(self, regs: dict[str, int], code: bytes) -> dict[str, int]:
        """One instruction from these registers; returns those after it."""
        for name, number in IN_TRACE.items():
            self._uc.reg_write(number, regs[name])
        self._uc.ctl_remove_cache(regs["rip"], regs["rip"] + len(code))
        self.stored = []
        self._uc.emu_start(regs["rip"], 0, count=1)
        return {name: int(self._uc.reg_read(number)) for name, number in IN_TRACE.items()}

    def _on_write(self, _uc: Uc, _access: int, address: int, size: int, value: int, _: Any) -> None:
        self.stored.append((address & (1 << 64) - 1, (value & (1 << 8 * size) - 1).to_bytes(size, "little")))


def needs_tables(step: Line) -> bool:
    """Whether it takes a descriptor, or a selector out of one, or the tables that an exception goes through."""
    name, _, operands = step["text"].partition(" ")
    return name in NEEDS_TABLES or (name in ("mov", "push") and operands.split(", ")[-1] in ("cs", "ss"))


def stored(step: Line) -> list[tuple[int, bytes]]:
    return [(int(write["addr"], 16), bytes.fromhex(write["new"])) for write in step["writes"]]


@pytest.mark.parametrize(("scenario", "design"), RUNS)
def test_an_emulator_that_knows_only_the_lines_makes_the_same_stores(
    image: Image, guest_elf: bytes, scenario: str, design: str
) -> None:
    lines = lines_of(image, scenario, design)
    machine, stranger = Machine(guest_elf, lines), Stranger()
    stranger.hold(KERNEL_MAP + RAM.start, bytes(machine.ram))
    made: Counter[str] = Counter()
    for step in (line for line in lines if line["type"] == "step"):
        before = dict(machine.cpus[step["cpu"]])
        machine.follow(step)
        if step["kind"] == "insn" and not needs_tables(step):
            after = stranger.make(before, bytes.fromhex(step["bytes"]))
            assert stranger.stored == stored(step), step
            assert after == {name: machine.cpus[step["cpu"]][name] for name in IN_TRACE}, step
            made["insn"] += 1
        elif step["kind"] == "insn" and step["text"].startswith("push "):
            selector = before[step["text"].removeprefix("push ")]
            assert stored(step) == [(before["rsp"] - 8, selector.to_bytes(8, "little"))], step
        elif step["kind"] == "insn":
            assert not step["writes"], step
        for write in step["writes"]:
            made[write.get("device", "ram")] += 1
            if "device" not in write:
                stranger.hold(int(write["addr"], 16), bytes.fromhex(write["new"]))
    assert made["insn"] > 500
    assert made["ram"] > 50
    assert made["apic"] > 0 or scenario == "first-call"
