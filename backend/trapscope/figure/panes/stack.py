"""The interrupted stack, growing down: frames word by word, the arrow from RIP to its target, the rest folded.

Where not everything fits, the lowest end is what matters, because that is where things happen: outer frames are folded
into a row each, then outer stacks, then rows are left out from the top, and their number is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from trapscope.core.reading import Names, vector_name
from trapscope.core.reading.names import short, wide
from trapscope.figure.canvas import Canvas
from trapscope.figure.facts.frames import IretFrame
from trapscope.figure.facts.names import WORDS
from trapscope.figure.facts.rows import Fold, Row, Segment, StackView
from trapscope.figure.facts.words import StackWord
from trapscope.figure.theme import BODY, SMALL, TINY
from trapscope.figure.type import cut, cut_runs, runs_width, width

_HEADING: Final = 24
_WORD: Final = 27
_TALL: Final = 46
_FOLD: Final = 24
_TITLE: Final = 20
_GAP: Final = 3
_CLOSE_GAP: Final = 2
_ADDRESS: Final = 52
_CELL: Final = 264
_BESIDE: Final = _ADDRESS + _CELL
#: RFLAGS bits worth a letter: IF above all.
_FLAGS: Final = (
    (0, "CF"), (2, "PF"), (4, "AF"), (6, "ZF"), (7, "SF"), (9, "IF"), (10, "DF"), (11, "OF"), (16, "RF"),
)  # fmt: skip
_EMPTY: Final = ("alignment", "room")
_QUIET: Final = ("saved", "register", "error-code", "gap")


@dataclass(frozen=True, slots=True)
class _Block:
    """One row of the drawing. `frame` is the frame that it belongs to and would be folded with."""

    height: float
    draw: Callable[[float], None]
    frame: int | None = None
    words: int = 1


class StackPane:
    """Lays out a stack; `names` names the values, `cpu` gives the accent."""

    def __init__(self, canvas: Canvas, view: StackView, names: Names, cpu: int, x: float, room: float) -> None:
        self._canvas, self._theme, self._view, self._names = canvas, canvas.theme, view, names
        self._cpu, self._x, self._room = cpu, x, room
        self._accent = canvas.theme.cpu(cpu)

    def height(self) -> float:
        """Of all rows, the heading included."""
        return _HEADING + _height(self._blocks(0, 0))

    def draw(self, y: float, bottom: float, task: str) -> None:
        """`y` is the heading's baseline."""
        self._canvas.heading(self._x, y, "The interrupted stack", f"{task} · grows down", room=self._room)
        top = y + _HEADING - 10
        frames = stacks = 0
        blocks = self._blocks(frames, stacks)
        while _height(blocks) > bottom - top and frames < len(self._view.frames) - 1:
            frames += 1
            blocks = self._blocks(frames, stacks)
        while _height(blocks) > bottom - top and stacks < len(self._view.segments) - 1:
            stacks += 1
            blocks = self._blocks(frames, stacks)
        gap = _GAP if _height(blocks) <= bottom - top else _CLOSE_GAP
        hidden = 0
        while _height(blocks, gap) + (_FOLD + gap if hidden else 0) > bottom - top and len(blocks) > 1:
            hidden += blocks[0].words
            blocks = blocks[1:]
        if hidden:
            text = f"{hidden} more word{'' if hidden == 1 else 's'} above"
            blocks = [_Block(_FOLD, lambda at: self._row(at, text)), *blocks]
        for block in blocks:
            block.draw(top)
            top += block.height + gap

    def _blocks(self, frames: int, stacks: int) -> list[_Block]:
        """Every row, from the highest address down; so many of the outermost frames, and stacks, in a row each."""
        blocks: list[_Block] = []
        segments = self._view.segments
        for number, segment in enumerate(segments):
            if number < stacks:
                blocks.append(self._folded_stack(segment))
                continue
            if len(segments) > 1:
                blocks.append(_Block(_TITLE, self._title(segment.name), words=0))
            innermost = number == len(segments) - 1
            done: set[int] = set()
            for index, row in enumerate(segment.rows):
                frame = _frame_of(segment.rows, index)
                is_top = innermost and index == len(segment.rows) - 1
                if frame is not None and frame.index < frames and not is_top:
                    if frame.index not in done:
                        done.add(frame.index)
                        blocks.append(self._folded_frame(frame))
                    continue
                blocks.append(self._block(row, is_top))
        return blocks

    def _block(self, row: Row, is_top: bool) -> _Block:
        if isinstance(row, Fold):
            text = _fold_text(row)
            new = any(word.is_new for word in row.words)
            return _Block(_FOLD, lambda at: self._row(at, text, is_top=is_top, is_new=new), words=len(row.words))
        height = _TALL if _is_rewritten(row) and row.label == "ip" else _WORD
        return _Block(height, lambda at: self._word(row, at, is_top))

    def _folded_frame(self, frame: IretFrame) -> _Block:
        ip = frame.ip
        to = f" ⇢ `{self._names.word(ip.value)}`" if ip.value != ip.pushed else ""
        text = f"iret frame of {vector_name(frame.vector)}, back to `{self._names.word(ip.pushed)}`{to}"
        return _Block(_FOLD, lambda at: self._row(at, text, accent=True), words=len(frame.words))

    def _folded_stack(self, segment: Segment) -> _Block:
        words = [word for row in segment.rows for word in (row.words if isinstance(row, Fold) else (row,))]
        frames = len({word.frame.index for word in words if word.frame is not None})
        text = f"{len(words)} words on `{segment.name}`, {frames} iret frame{'' if frames == 1 else 's'} among them"
        return _Block(_FOLD, lambda at: self._row(at, text, accent=True), words=len(words))

    def _title(self, name: str) -> Callable[[float], None]:
        return lambda at: self._canvas.text(
            self._x, at + 14, name, size=TINY, fill=self._theme.ink_3, mono=True, weight=500
        )

    def _row(self, top: float, text: str, *, is_top: bool = False, is_new: bool = False, accent: bool = False) -> None:
        """Words that are folded."""
        x, theme = self._x + _ADDRESS, self._theme
        badge = width("RSP", TINY, mono=True) + 22 if is_top else 0
        line = cut_runs(text, SMALL, self._room - _ADDRESS - 24 - badge)
        wide_ = runs_width(line, SMALL) + 22 + badge
        fill = theme.mark_soft if is_new else "none"
        self._canvas.rect(x, top, wide_, _FOLD, fill=fill, stroke=theme.rule_2, radius=5, dash="4 3")
        if accent:
            self._canvas.rect(x, top, 3, _FOLD, fill=self._accent, radius=1.5)
        end = self._canvas.rich(x + 10, top + 16, line, size=SMALL, fill=theme.ink_3, code=theme.ink_3)
        if is_top:
            self._canvas.badge(end + 10, top + 16, "RSP", self._accent)

    def _word(self, word: StackWord, top: float, is_top: bool) -> None:
        theme, canvas = self._theme, self._canvas
        is_ip, rewritten = word.label == "ip" and word.frame is not None, _is_rewritten(word)
        height = _TALL if is_ip and rewritten else _WORD
        middle = top + height / 2
        canvas.text(self._x, middle + 4, short(word.address), size=TINY, fill=theme.ink_3, mono=True)
        self._cell(word, top, height)
        label = WORDS[word.label] if word.frame is not None else word.label
        if word.label == "flags" and word.frame is not None:
            set_ = [name for bit, name in _FLAGS if word.value >> bit & 1]
            label = " · ".join([label, " ".join(set_)]) if set_ else label
        right = self._x + _BESIDE - 10
        canvas.text(right, middle + 4, label, size=TINY, fill=theme.ink_3, anchor="end")
        self._value(word, middle, _CELL - 30 - width(label, TINY, mono=False))
        at = self._x + _BESIDE
        if is_ip and word.frame_word is not None:
            at = self._arrow(
                at, middle, self._names.word(word.frame_word.pushed), self._names.word(word.value), rewritten
            )
        elif word.label == "ss" and word.frame is not None:
            text = f"iret frame of {vector_name(word.frame.vector)}"
            canvas.text(at + 16, middle + 4, text, size=SMALL, fill=self._accent, weight=500)
            at += 16 + width(text, SMALL, mono=False)
        else:
            note = (
                "pushed by the CPU, popped by iretq" if word.frame is not None and word.label == "sp" else word.origin
            )
            line = cut_runs(note, SMALL, self._room - _BESIDE - 16)
            at = canvas.rich(at + 16, middle + 4, line, size=SMALL, fill=theme.ink_3, code=theme.ink_3)
        if is_top:
            canvas.badge(at + 10, middle + 4, "RSP", self._accent)

    def _cell(self, word: StackWord, top: float, height: float) -> None:
        theme, x = self._theme, self._x + _ADDRESS
        is_ip = word.label == "ip" and word.frame is not None
        fill = theme.mark_soft if word.is_new else "none" if word.kind in ("gap", "alignment", "room") else theme.panel
        dash = "4 3" if word.kind in ("gap", "alignment", "room") else None
        stroke = self._accent if is_ip else theme.rule_strong if word.is_new else theme.rule_2
        if word.kind == "emulated":
            stroke = theme.poke
        self._canvas.rect(x, top, _CELL, height, fill=fill, stroke=stroke, radius=5, dash=dash)
        if word.kind == "alignment":
            hatches = [f"M{x + at:g} {top + height - 4:g}l{height - 8:g} {8 - height:g}" for at in range(12, 190, 11)]
            self._canvas.path("".join(hatches), stroke=theme.rule)
        if word.frame is not None:
            self._canvas.rect(x, top, 3, height, fill=self._accent, radius=1.5)

    def _value(self, word: StackWord, middle: float, room: float) -> None:
        theme, canvas, x = self._theme, self._canvas, self._x + _ADDRESS + 12
        text = self._names.word(word.value)
        if word.frame is not None and word.label == "flags":
            text = wide(word.value)[-9:]
        if word.kind in _EMPTY:
            return
        if word.label == "ip" and word.frame_word is not None and _is_rewritten(word):
            was = cut(self._names.word(word.frame_word.pushed), BODY, room, mono=True)
            canvas.text(x, middle - 5, was, size=BODY, fill=theme.ghost, mono=True, struck=True)
            now = cut(text, BODY, room, mono=True)
            canvas.text(x, middle + 14, now, size=BODY, fill=self._accent, mono=True, weight=500)
            return
        ink, weight = (theme.ink_2 if word.kind in _QUIET else theme.ink), 400
        if _is_rewritten(word):
            ink, weight = self._accent, 500
        canvas.text(x, middle + 4.5, cut(text, BODY, room, mono=True), size=BODY, fill=ink, mono=True, weight=weight)

    def _arrow(self, x: float, middle: float, old: str, new: str, is_moved: bool) -> float:
        """Where the frame's RIP leads, and, once it was rewritten, what is left of the old target."""
        canvas, theme = self._canvas, self._theme
        old_y, new_y = (middle - 13, middle + 14) if is_moved else (middle, middle)
        if is_moved:
            canvas.path(_curve(x + 2, middle, x + 50, old_y), stroke=theme.ghost, stroke_width=1.3, dash="3 4")
        canvas.path(_curve(x + 2, middle, x + 50, new_y), stroke=self._accent, stroke_width=1.8)
        canvas.path(f"M{x + 45:g} {new_y - 4.5:g}l6 4.5l-6 4.5", stroke=self._accent, stroke_width=1.8)
        end = self._chip(x + 56, new_y, new, self._accent, 500, None)
        if is_moved:
            self._chip(x + 56, old_y, old, theme.ghost, 400, "4 3")
        return end

    def _chip(self, x: float, middle: float, text: str, colour: str, weight: int, dash: str | None) -> float:
        shown = cut(text, SMALL, self._x + self._room - x - 20, mono=True)
        wide_ = width(shown, SMALL, mono=True) + 18
        self._canvas.rect(x, middle - 11, wide_, 22, fill=self._theme.panel, stroke=colour, radius=6, dash=dash)
        self._canvas.text(x + 9, middle + 4, shown, size=SMALL, fill=colour, mono=True, weight=weight)
        return x + wide_


def _height(blocks: Sequence[_Block], gap: float = _GAP) -> float:
    return sum(block.height + gap for block in blocks)


def _is_rewritten(word: StackWord) -> bool:
    return word.frame_word is not None and word.frame_word.value != word.frame_word.pushed


def _frame_of(rows: Sequence[Row], index: int) -> IretFrame | None:
    """The frame that a row is a part of: its words, the alignment and the gap above, the registers below."""
    row = rows[index]
    if isinstance(row, StackWord) and row.frame is not None:
        return row.frame
    kind = row.kind
    step = 1 if kind in ("alignment", "gap") else -1 if kind in ("registers", "register", "error-code") else 0
    at = index + step
    if not step or not 0 <= at < len(rows):
        return None
    return _frame_of(rows, at)


def _fold_text(fold: Fold) -> str:
    count = len(fold.words)
    words = f"{count} word{'' if count == 1 else 's'}"
    path = "" if not fold.by else f"`{fold.by[0]}`" if len(fold.by) == 1 else f"`{fold.by[0]}` … `{fold.by[-1]}`"
    match fold.kind:
        case "registers":
            others = count - 1
            return (
                f"`pt_regs`: orig_ax and {others} register{'' if others == 1 else 's'} saved by the entry code"
                if others
                else "`pt_regs`: orig_ax"
            )
        case "gap":
            return f"gap: {words} left free for a push"
        case "callers":
            return f"{words} of the callers{', ' if path else ''}{path}"
        case "handler":
            return f"{words} of the handler{', ' if path else ''}{path}"
        case "kept":
            return f"{words} kept by {path}"


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    return f"M{x:g} {y:g}C{x + 22:g} {y:g} {x + 24:g} {to_y:g} {to_x:g} {to_y:g}"
