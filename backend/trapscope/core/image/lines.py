"""Address to source line, for C and assembly alike, from the DWARF line programs.

The programs of all units are run once, at the first question: the guest is small enough that reading one unit at a
time would cost more in bookkeeping than it saves.
"""

from __future__ import annotations

import posixpath
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

from elftools.dwarf.dwarfinfo import DWARFInfo


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A file, named relative to the guest's source folder, and a 1-based line."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class LineTable:
    """Sorted rows, each covering the addresses up to the next one."""

    def __init__(self, rows: list[tuple[int, SourceLine | None]]) -> None:
        """Take (address, line), with None where a sequence ends."""
        # At one address the end of a sequence yields to the start of the next.
        latest: dict[int, SourceLine | None] = {}
        for address, line in rows:
            if line is not None or address not in latest:
                latest[address] = line
        self._addresses = sorted(latest)
        self._lines = [latest[address] for address in self._addresses]

    @classmethod
    def from_dwarf(cls, dwarf: DWARFInfo) -> LineTable:
        rows: list[tuple[int, SourceLine | None]] = []
        for unit in dwarf.iter_CUs():
            program = dwarf.line_program_for_CU(unit)
            if program is None:
                continue
            names = _file_names(program)
            for entry in program.get_entries():
                state = entry.state
                if state is None:
                    continue
                if state.end_sequence:
                    rows.append((state.address, None))
                elif state.line:
                    rows.append((state.address, SourceLine(names[state.file], state.line)))
        return cls(rows)

    def find(self, address: int) -> SourceLine | None:
        """The line whose code covers the address."""
        index = bisect_right(self._addresses, address) - 1
        return self._lines[index] if index >= 0 else None

    def addresses_of(self, file: str) -> dict[int, int]:
        """Address to line, for every row that belongs to the file."""
        pairs = zip(self._addresses, self._lines, strict=True)
        return {address: line.line for address, line in pairs if line is not None and line.file == file}

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that has code."""
        return tuple(sorted({line.file for line in self._lines if line is not None}))


def _file_names(program: Any) -> list[str]:
    """The unit's file table as paths relative to its compilation directory (DWARF 5, section 6.2.4.1)."""
    directories = [_text(entry) for entry in program["include_directory"]]
    root = directories[0] if directories else ""
    names = []
    for entry in program["file_entry"]:
        folder = directories[entry.dir_index] if entry.dir_index < len(directories) else root
        path = posixpath.normpath(posixpath.join(root, folder, _text(entry.name)))
        names.append(posixpath.relpath(path, root) if root and posixpath.isabs(path) else path)
    return names


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
