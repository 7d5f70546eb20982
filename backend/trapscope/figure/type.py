"""How wide text is, near enough to cut and wrap it: a figure is drawn without knowing which fonts its reader has.

Monospaced fonts have one width; for the others the widths are DejaVu Sans's, wider than any that may stand in, so that
what fits by them fits in all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: In em.
_MONO: Final = 0.6
_OTHER: Final = 0.84
_SANS: Final = dict(
    zip(
        map(chr, range(32, 127)),
        (
            318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636,
            636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295,
            295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838,
            500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521,
            392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
        ),
        strict=True,
    )
)  # fmt: skip
#: Code within a sentence is a little smaller than the sentence.
CODE_SCALE: Final = 0.92
#: By how much the rest of a line of code is indented further, and how narrow is too narrow to fold it.
_HANGING: Final = 4
_FEWEST: Final = 16


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in one font."""

    text: str
    is_code: bool


def width(text: str, size: float, *, mono: bool) -> float:
    """In the unit of `size`."""
    if mono:
        return len(text) * _MONO * size
    return sum(_SANS.get(character, _OTHER * 1000) for character in text) * size / 1000


def cut(text: str, size: float, room: float, *, mono: bool) -> str:
    """The text, or as much of it as has room, with an ellipsis."""
    if width(text, size, mono=mono) <= room:
        return text
    while text and width(text + "…", size, mono=mono) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def fold(text: str, columns: int) -> list[str]:
    """A line of code as lines of at most so many characters, each but the first indented further than it began.

    Broken at a blank, or else behind a bracket, a comma or an arrow, or else anywhere.
    """
    if columns < _FEWEST or len(text) <= columns:
        return [text]
    indent = len(text) - len(text.lstrip())
    hanging = " " * min(indent + _HANGING, columns // 2)
    lines: list[str] = []
    while len(text) > columns:
        at = _break(text, len(hanging) if lines else indent, columns)
        lines.append(text[:at].rstrip())
        text = hanging + text[at:].lstrip()
    return [*lines, text]


def _break(text: str, begins: int, columns: int) -> int:
    """Where to break, at most at `columns`."""
    blank = text.rfind(" ", 0, columns + 1)
    if blank > begins:
        return blank
    behind = (at for at in range(columns, begins + 1, -1) if text[at - 1] in "([," or text[at - 2 : at] == "->")
    return next(behind, columns)


def runs(text: str) -> list[Run]:
    """Text in which code stands between backticks."""
    return [Run(part, index % 2 == 1) for index, part in enumerate(text.split("`")) if part]


def runs_width(line: list[Run], size: float) -> float:
    """Of one line."""
    return sum(_run_width(run.text, run.is_code, size) for run in line)


def cut_runs(text: str, size: float, room: float) -> list[Run]:
    """One line: the runs, or as much of them as has room, with an ellipsis."""
    line: list[Run] = []
    left = room
    for run in runs(text):
        used = _run_width(run.text, run.is_code, size)
        if used > left:
            scaled = size * CODE_SCALE if run.is_code else size
            return [*line, Run(cut(run.text, scaled, left, mono=run.is_code), run.is_code)]
        line.append(run)
        left -= used
    return line


def wrap(text: str, size: float, room: float, most: int) -> list[list[Run]]:
    """Lines of runs, broken at blanks outside and inside code; at most so many, the last one cut."""
    lines: list[list[Run]] = [[]]
    left = room
    for run in runs(text):
        words = run.text.split(" ")
        for index, word in enumerate(words):
            piece = word if index == len(words) - 1 else word + " "
            if not piece:
                continue
            used = _run_width(piece, run.is_code, size)
            if _run_width(piece.rstrip(), run.is_code, size) > left and lines[-1]:
                lines.append([])
                left = room
            if lines[-1] and lines[-1][-1].is_code == run.is_code:
                lines[-1][-1] = Run(lines[-1][-1].text + piece, run.is_code)
            else:
                lines[-1].append(Run(piece, run.is_code))
            left -= used
    if len(lines) > most:
        last = lines[most - 1]
        lines = [*lines[: most - 1], [*last[:-1], Run(last[-1].text.rstrip() + " …", last[-1].is_code)]]
    return lines


def _run_width(text: str, is_code: bool, size: float) -> float:
    return width(text, size * CODE_SCALE if is_code else size, mono=is_code)
