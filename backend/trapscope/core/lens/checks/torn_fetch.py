"""`no-torn-fetch`: at a patch site a CPU decodes nothing but int3, the old, or the new instruction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_INT3: Final = b"\xcc"


def at_site(name: str, code: bytes, whole: Sequence[bytes]) -> str | None:
    """The CPU decoded `code` at the site's first byte, which `whole` instructions were or will be; why that is torn."""
    if code == _INT3 or code in whole:
        return None
    legal = " or ".join(insn.hex(" ") for insn in whole)
    return f"The CPU decoded {code.hex(' ')} at {name}, which was and will be cc, {legal}"


def inside_site(name: str, offset: int, code: bytes) -> str:
    """The CPU executes from the middle of a site: some other instruction ended there."""
    return f"The CPU decoded {code.hex(' ')} at {name}+{offset:#x}, in the middle of the site's five bytes"


def no_instruction(name: str, offset: int, memory: bytes) -> str:
    """The CPU raised #UD within a site whose five bytes are `memory` now."""
    return f"The CPU decoded an invalid opcode at {name}+{offset:#x}; the site's bytes in memory are {memory.hex(' ')}"
