"""What registers there are, for gdb: its target description, and the `g` packet in the same order.

GDB manual, appendix G.5 (i386 features): the core feature must have the x87 registers, which no step of the guest
touches and no trace has; they are told as unavailable. `fs_base` and `gs_base` are `org.gnu.gdb.i386.segments`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from trapscope.core.types import REGISTER_INDEX


class Register(NamedTuple):
    """As gdb knows it; `ours` is None where a trace does not have it. `size` in bytes."""

    name: str
    size: int
    type: str
    ours: str | None


def _general() -> Iterable[Register]:
    for name in ("rax", "rbx", "rcx", "rdx", "rsi", "rdi"):
        yield Register(name, 8, "int64", name)
    yield Register("rbp", 8, "data_ptr", "rbp")
    yield Register("rsp", 8, "data_ptr", "rsp")
    for number in range(8, 16):
        yield Register(f"r{number}", 8, "int64", f"r{number}")
    yield Register("rip", 8, "code_ptr", "rip")
    yield Register("eflags", 4, "i386_eflags", "rflags")
    for name in ("cs", "ss", "ds", "es", "fs", "gs"):
        yield Register(name, 4, "int32", name if name in REGISTER_INDEX else None)
    for number in range(8):
        yield Register(f"st{number}", 10, "i387_ext", None)
    for name in ("fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop"):
        yield Register(name, 4, "int", None)


_CORE: Final = tuple(_general())
_SEGMENTS: Final = (Register("fs_base", 8, "int64", None), Register("gs_base", 8, "int64", "gs_base"))
GDB_REGISTERS: Final = (*_CORE, *_SEGMENTS)

#: EFLAGS by bit: Intel SDM vol. 1, 3.4.3.
_FLAGS: Final = (
    ("CF", 0), ("", 1), ("PF", 2), ("AF", 4), ("ZF", 6), ("SF", 7), ("TF", 8), ("IF", 9), ("DF", 10), ("OF", 11),
    ("NT", 14), ("RF", 16), ("VM", 17), ("AC", 18), ("VIF", 19), ("VIP", 20), ("ID", 21),
)  # fmt: skip


def target_xml() -> str:
    """The target description: `qXfer:features:read:target.xml`."""
    flags = "".join(f'<field name="{name}" start="{bit}" end="{bit}"/>' for name, bit in _FLAGS)
    return (
        '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target version="1.0">'
        "<architecture>i386:x86-64</architecture>"
        f'<feature name="org.gnu.gdb.i386.core"><flags id="i386_eflags" size="4">{flags}</flags>'
        f"{_elements(_CORE)}</feature>"
        f'<feature name="org.gnu.gdb.i386.segments">{_elements(_SEGMENTS)}</feature></target>'
    )


def encoded(file: Sequence[int], register: Register) -> str:
    """Its value as the protocol has it: hex in memory's order, or x's where it is not known."""
    if register.ours is None:
        return "xx" * register.size
    value = file[REGISTER_INDEX[register.ours]] & (1 << 8 * register.size) - 1
    return value.to_bytes(register.size, "little").hex()


def _elements(registers: Iterable[Register]) -> str:
    return "".join(f'<reg name="{each.name}" bitsize="{8 * each.size}" type="{each.type}"/>' for each in registers)
