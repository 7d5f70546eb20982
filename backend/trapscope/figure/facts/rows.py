"""The interrupted stack as rows, highest address first: it grows down, as on paper.

Words that are not the subject are folded: what the callers keep, the saved registers, the handler's own frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from trapscope.core.lens import events as lens
from trapscope.figure.facts.frames import IretFrame, frames_at
from trapscope.figure.facts.words import StackWord, Words
from trapscope.figure.scene import Scene

#: So many words of the interrupted code are shown above a frame: its return address, and one more.
_INTERRUPTED_SHOWN: Final = 2
#: What a caller keeps is one row from this many words on; what the current function keeps is shown word by word.
_KEPT_FOLDED: Final = 2
_OWN_FOLDED: Final = 6

FoldKind = Literal["registers", "gap", "callers", "handler", "kept"]
_GROUPS: Final = {
    "frame": "frame", "error-code": "frame", "alignment": "frame", "gap": "gap", "register": "registers",
}  # fmt: skip
_KEPT: Final = ("saved", "room", "local")


@dataclass(frozen=True, slots=True)
class Fold:
    """Words that belong together, in one row; `by` are their functions, outermost first."""

    kind: FoldKind
    words: tuple[StackWord, ...]

    @property
    def by(self) -> tuple[str, ...]:
        names = [word.by for word in self.words if word.by]
        return tuple(name for name, _ in groupby(names))


Row = StackWord | Fold


@dataclass(frozen=True, slots=True)
class Segment:
    """The rows of one stack, down to RSP, or to where a deeper trap left it."""

    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class StackView:
    """Every stack that the CPU is on, outermost first."""

    frames: tuple[IretFrame, ...]
    segments: tuple[Segment, ...]


def stack_view(scene: Scene) -> StackView:
    """From the innermost stack outwards: a frame whose saved SP lies on another stack leads there."""
    frames, names = frames_at(scene), scene.names
    words = Words(scene, frames)
    segments: list[Segment] = []
    low = scene.rsp
    while True:
        name = names.stack(low)
        segments.append(Segment(name, tuple(_fold(list(words.of(low))[::-1], _base(scene, low)))))
        door = next(
            (f for f in reversed(frames) if names.stack(f.address) == name and names.stack(f.saved_sp) != name), None
        )
        if door is None or len(segments) > len(frames):
            return StackView(frames, tuple(segments[::-1]))
        low = door.saved_sp


def _fold(words: Sequence[StackWord], base: int) -> Iterator[Row]:
    """`base` is where the current call's own words begin while no trap is open; `words` come highest first."""
    groups = [(kind, list(run)) for kind, run in groupby(words, lambda word: _GROUPS.get(word.kind, "plain"))]
    is_behind_frame = False
    for number, (kind, run) in enumerate(groups):
        if kind == "frame":
            yield from run
            is_behind_frame = True
        elif kind == "registers":
            yield from _fold_from(run, 0, "registers")
        elif kind == "gap":
            yield from _fold_from(run, 0, "gap")
        elif number < len(groups) - 1:
            yield from _fold_from(run, _INTERRUPTED_SHOWN, "callers")
        elif is_behind_frame:
            yield from _fold_from(run, 0, "handler")
        else:
            outer = [word for word in run if word.address >= base]
            yield from _fold_from(outer, _INTERRUPTED_SHOWN, "callers")
            yield from _current(run[len(outer) :])


def _current(run: Sequence[StackWord]) -> Iterator[Row]:
    """Where no trap is open: what each function keeps is one row, its return address another."""
    groups = [(by, tuple(kept)) for by, kept in groupby(run, lambda word: word.by if word.kind in _KEPT else None)]
    for number, (by, kept) in enumerate(groups):
        least = _OWN_FOLDED if number == len(groups) - 1 else _KEPT_FOLDED
        if by is not None and len(kept) >= least:
            yield Fold("kept", kept)
        else:
            yield from kept


def _fold_from(run: Sequence[StackWord], shown: int, kind: FoldKind) -> Iterator[Row]:
    """One row for all but the lowest `shown` words, where that is worth it."""
    folded = run[: len(run) - shown] if len(run) - shown > 1 else run[:0]
    if folded:
        yield Fold(kind, tuple(folded))
    yield from run[len(folded) :]


def _base(scene: Scene, low: int) -> int:
    """Where the interrupted code's words end and what is laid for the call begins, while no trap is open.

    At the RSP that the last trap interrupted, as long as that has not been returned from; else at the current
    function's return address.
    """
    pushed = next((event for event in scene.events(lens.FramePushed) if event.cpu == scene.cpu), None)
    if pushed is not None:
        interrupted = pushed.frame.sp
        if scene.names.stack(interrupted) == scene.names.stack(low) and low <= interrupted:
            return interrupted
    return scene.activation.sp
