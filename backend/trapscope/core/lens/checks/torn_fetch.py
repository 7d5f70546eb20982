"""`no-torn-fetch`: at a patch site a CPU decodes nothing but int3, the old, or the new instruction."""

from __future__ import annotations

from typing import Final

_INT3: Final = b"\xcc"


def at_site(name: str, code: bytes, old: bytes, new: bytes) -> str | None:
    """The CPU decoded `code` at the site's first byte; why that is torn, or None."""
    if code in (_INT3, old, new):
        return None
    legal = " or ".join(dict.fromkeys((old.hex(" "), new.hex(" "))))
    return f"decoded {code.hex(' ')} at {name}, where only cc, {legal} may be"


def inside_site(name: str, offset: int, code: bytes) -> str:
    """The CPU executes from the middle of a site: some other instruction ended there."""
    return f"decoded {code.hex(' ')} at {name}+{offset:#x}, in the middle of the site's five bytes"
