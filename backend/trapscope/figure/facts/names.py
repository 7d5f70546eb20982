"""Names of contexts and of a frame's words, as the figure writes them."""

from __future__ import annotations

from typing import Final

from trapscope.core.types import Context

CONTEXTS: Final = {context: context.value for context in Context} | {
    Context.NMI: "NMI", Context.MCE: "machine check",
}  # fmt: skip
WORDS: Final = {"ip": "RIP", "cs": "CS", "flags": "RFLAGS", "sp": "RSP", "ss": "SS"}
