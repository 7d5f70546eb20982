"""The names of registers and of their parts: `eax`, `al`, `ah`, `r8d`."""

from __future__ import annotations

from typing import Final

from trapscope.core.image.flow import Part
from trapscope.core.types import CS, REGISTER_INDEX, REGISTERS, SS

#: What a selector has of a segment register's 64 bits.
SELECTOR: Final = 0xFFFF

#: Every name of a general register, and of the others that a trace has, to the part that it names.
PARTS: Final[dict[str, Part]] = {
    **{name: Part(index) for name, index in REGISTER_INDEX.items()},
    "cs": Part(CS, SELECTOR),
    "ss": Part(SS, SELECTOR),
    **{f"e{name[1:]}": Part(REGISTER_INDEX[name], 0xFFFFFFFF) for name in REGISTERS[:8]},
    **{name[1:]: Part(REGISTER_INDEX[name], 0xFFFF) for name in REGISTERS[:8]},
    **{f"{name[1]}l": Part(REGISTER_INDEX[name], 0xFF) for name in ("rax", "rbx", "rcx", "rdx")},
    **{f"{name[1]}h": Part(REGISTER_INDEX[name], 0xFF00) for name in ("rax", "rbx", "rcx", "rdx")},
    **{f"{name[1:]}l": Part(REGISTER_INDEX[name], 0xFF) for name in ("rsi", "rdi", "rbp", "rsp")},
    **{
        f"{name}{suffix}": Part(REGISTER_INDEX[name], mask)
        for name in REGISTERS[8:16]
        for suffix, mask in (("d", 0xFFFFFFFF), ("w", 0xFFFF), ("b", 0xFF))
    },
}
