"""Which version of its bytes an instruction was decoded from, and who had written that version.

In the weak fetch model that may be an older one than memory holds, or bytes of several.
"""

from __future__ import annotations

from typing import NamedTuple

from trapscope.core.trace import TraceIndex


class Decoded(NamedTuple):
    """`parts`: (first, count, write), as `TraceIndex.writers` has them. `stale`: memory held something else."""

    parts: tuple[tuple[int, int, int | None], ...]
    stale: bool

    @property
    def was_written(self) -> bool:
        """Whether any of the bytes was written in the run."""
        return any(write is not None for _, _, write in self.parts)


def decoded(index: TraceIndex, step: int) -> Decoded:
    """The version that step `step` was decoded from: the newest in memory's history with the bytes that it has."""
    address, code = index.trace.code_table[index.columns.code[step]]
    writes = int(index.columns.write_end[step])
    version = _newest(index, address, code, writes)
    if version is not None:
        stale = version != writes and index.memory_after(address, len(code), writes) != code
        return Decoded(tuple(index.writers(address, len(code), version)), stale)
    return Decoded(_byte_by_byte(index, address, code, writes), stale=True)


def _newest(index: TraceIndex, address: int, code: bytes, writes: int) -> int | None:
    """After how many writes, at most so many, memory last held these bytes; None if it never did."""
    while index.memory_after(address, len(code), writes) != code:
        last = index.last_of_writes(address, len(code), writes)
        if last is None:
            return None
        writes = last
    return writes


def _byte_by_byte(index: TraceIndex, address: int, code: bytes, writes: int) -> tuple[tuple[int, int, int | None], ...]:
    """Torn: each byte as if it had been seen on its own."""
    parts: list[tuple[int, int, int | None]] = []
    for at in range(len(code)):
        version = _newest(index, address + at, code[at : at + 1], writes)
        write = None if version is None else index.last_of_writes(address + at, 1, version)
        if parts and parts[-1][2] == write:
            parts[-1] = (parts[-1][0], parts[-1][1] + 1, write)
        else:
            parts.append((at, 1, write))
    return tuple(parts)
