"""Which version of its bytes an instruction was decoded from, and who had written that version.

In the weak fetch model that may be an older one than memory holds, or bytes of several.
"""

from __future__ import annotations

from typing import NamedTuple

from trapscope.core.trace import Stretch, TraceIndex


class Decoded(NamedTuple):
    """`stretches`: who had written which of the bytes. `stale`: memory held something else."""

    stretches: tuple[Stretch, ...]
    stale: bool

    @property
    def was_written(self) -> bool:
        """Whether any of the bytes was written in the run."""
        return any(stretch.write is not None for stretch in self.stretches)


def decoded(index: TraceIndex, step: int) -> Decoded:
    """The version that step `step` was decoded from: the newest in memory's history with the bytes that it has."""
    address, code = index.trace.code_table[index.columns.code[step]]
    writes = int(index.columns.write_end[step])
    if index.last_of_writes(address, len(code), writes) is None:
        return Decoded((Stretch(0, len(code), None),), stale=False)
    version = _newest(index, address, code, writes)
    if version is None:
        return Decoded(_byte_by_byte(index, address, code, writes), stale=True)
    stale = version != writes and index.memory_after(address, len(code), writes) != code
    return Decoded(tuple(index.writers(address, len(code), version)), stale)


def _newest(index: TraceIndex, address: int, code: bytes, writes: int) -> int | None:
    """After how many writes, at most so many, memory last held these bytes; None if it never did."""
    while index.memory_after(address, len(code), writes) != code:
        last = index.last_of_writes(address, len(code), writes)
        if last is None:
            return None
        writes = last
    return writes


def _byte_by_byte(index: TraceIndex, address: int, code: bytes, writes: int) -> tuple[Stretch, ...]:
    """Torn: each byte as if it had been seen on its own."""
    found: list[Stretch] = []
    for at in range(len(code)):
        version = _newest(index, address + at, code[at : at + 1], writes)
        write = None if version is None else index.last_of_writes(address + at, 1, version)
        if found and found[-1].write == write:
            found[-1] = Stretch(found[-1].first, found[-1].size + 1, write)
        else:
            found.append(Stretch(at, 1, write))
    return tuple(found)
