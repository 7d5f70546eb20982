"""Where the CPU stands: C and the assembly made of it, the line that comes next marked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from trapscope.figure.canvas import Canvas
from trapscope.figure.facts.code import CodeView, InsnRow, SourceRow
from trapscope.figure.theme import BODY, SMALL, TINY
from trapscope.figure.type import cut, fold, width, wrap

_ROW: Final = 18
_CALLERS: Final = 44
_HEADING: Final = 24
#: The marked line stands at two fifths, so that what comes next is in sight.
_CURRENT_AT: Final = 0.4
_NUMBER: Final = 34
_ADDRESS: Final = 28
_BYTES: Final = 106


def draw_code(canvas: Canvas, view: CodeView, cpu: int, x: float, y: float, room: float, bottom: float) -> None:
    """`y` is the heading's baseline; as many lines as fit above `bottom`."""
    theme = canvas.theme
    canvas.text(x, y, "CODE", size=TINY, fill=theme.ink_3, weight=500, spacing=0.66)
    lane = cut(view.lane, TINY, room - 48, mono=False)
    canvas.text(x + 48, y, lane, size=TINY, fill=theme.cpu(cpu), weight=500)
    y += _HEADING
    file = cut(view.file, SMALL, room / 2, mono=False)
    canvas.text(x + room, y, file, size=SMALL, fill=theme.ink_3, anchor="end")
    name = cut(view.function, BODY, room - width(file, SMALL, mono=False) - 12, mono=True)
    canvas.text(x, y, name, size=BODY, fill=theme.ink, mono=True, weight=500)
    top = y + 12
    count = int((bottom - _CALLERS - top) // _ROW)
    for index, row in enumerate(_window(list(_folded(view, room - _NUMBER)), count)):
        at = top + index * _ROW
        if isinstance(row, SourceRow | _Rest):
            _source(canvas, row, x, at)
        else:
            _insn(canvas, row, cpu, x, at, room)
    if view.callers:
        at = top + count * _ROW + 22
        canvas.text(x, at, "called from", size=SMALL, fill=theme.ink_3)
        path = " ← ".join(view.callers)
        for number, line in enumerate(wrap(path, SMALL, room - 84, 2)):
            canvas.rich(x + 84, at + number * 17, line, size=SMALL, fill=theme.ink_2, code=theme.ink_2)


@dataclass(frozen=True, slots=True)
class _Rest:
    """The rest of a line of C that is too long: it goes on below."""

    text: str
    runs: bool


def _window(rows: list[SourceRow | _Rest | InsnRow], count: int) -> list[SourceRow | _Rest | InsnRow]:
    current = next((i for i, row in enumerate(rows) if isinstance(row, InsnRow) and row.is_current), 0)
    first = min(max(current - int(count * _CURRENT_AT), 0), max(len(rows) - count, 0))
    return rows[first : first + count]


def _folded(view: CodeView, room: float) -> Iterator[SourceRow | _Rest | InsnRow]:
    columns = int(room / width("0", SMALL, mono=True))
    for row in view.rows:
        if isinstance(row, InsnRow):
            yield row
            continue
        first, *rest = fold(row.text, columns)
        yield replace(row, text=first)
        yield from (_Rest(text, row.runs) for text in rest)


def _source(canvas: Canvas, row: SourceRow | _Rest, x: float, top: float) -> None:
    theme = canvas.theme
    if isinstance(row, SourceRow):
        canvas.text(x, top + 13, str(row.line), size=SMALL, fill=theme.ghost, mono=True)
    canvas.text(x + _NUMBER, top + 13, row.text, size=SMALL, fill=theme.ink if row.runs else theme.ink_3, mono=True)


def _insn(canvas: Canvas, row: InsnRow, cpu: int, x: float, top: float, room: float) -> None:
    theme = canvas.theme
    if row.is_current or row.is_done:
        canvas.rect(x - 20, top, room + 34, _ROW, fill=theme.mark if row.is_current else theme.mark_soft)
        canvas.rect(x - 20, top, 3, _ROW, fill=theme.cpu(cpu) if row.is_current else theme.rule_strong)
    ink = theme.ink if row.is_current else theme.ink_2 if row.is_done else theme.ink_3
    at = x + _NUMBER
    canvas.text(at, top + 13, f"{row.address & 0xFFF:03x}", size=TINY, fill=ink, mono=True)
    at += _ADDRESS
    code = cut(row.code.hex(" "), TINY, _BYTES, mono=True)
    canvas.text(at, top + 13, code, size=TINY, fill=theme.poke if row.is_patched else ink, mono=True)
    at += _BYTES + 8
    canvas.text(at, top + 13, cut(row.text, TINY, x + room - at, mono=True), size=TINY, fill=ink, mono=True)
