"""What each word of a stack is: it follows from the step that made room for it, and the step that wrote it last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from trapscope.core.reading import Piece
from trapscope.core.types import KERNEL_MAP, RAM_BASE, Step, ram_offset
from trapscope.figure.facts.frames import FrameWord, IretFrame
from trapscope.figure.scene import Scene

_WORD: Final = 8
#: Words above the first recorded push that are shown where the stack's end is not known.
_OLDER_SHOWN: Final = 1

Kind = Literal[
    "frame", "error-code", "alignment", "register", "return", "saved", "room", "local", "gap", "emulated", "older"
]


@dataclass(frozen=True, slots=True)
class StackWord:
    """A word on a stack. `by` is the function that laid it, or, of a return address, the one it leads back into.

    `label` is what it is (a register, a member of pt_regs); `origin` how it came there, code between backticks.
    """

    kind: Kind
    address: int
    value: int
    label: str
    origin: str
    by: str
    is_new: bool
    frame: IretFrame | None = None
    frame_word: FrameWord | None = None


class Words:
    """Says what the words of one stack are, at one moment."""

    def __init__(self, scene: Scene, frames: tuple[IretFrame, ...]) -> None:
        self._scene, self._frames = scene, frames
        self._in_frame = {word.address: (frame, word) for frame in frames for word in frame.words}
        layout = scene.image.struct("pt_regs")
        ip = layout.member("ip").offset
        self._members = {
            frame.address + member.offset - ip: member.name
            for frame in frames
            for member in layout.members
            if member.offset < ip
        }

    def of(self, low: int) -> Iterator[StackWord]:
        """The words of the stack that `low` points into, from there up to the stack's end."""
        piece = self._scene.reading.laid.at(low, self._scene.moment)
        at = low
        while piece is not None:
            while at < piece.high:
                if at >= piece.low:
                    yield self._word(at, piece)
                at += _WORD
            piece = piece.parent
        # An empty stack's pointer stands behind its last word, where the next stack begins.
        area = self._scene.names.area(at - 1)
        count = _OLDER_SHOWN if area is None else (area.end - _mapped(at)) // _WORD
        for number in range(count):
            yield self._older(at + number * _WORD)

    def _word(self, at: int, piece: Piece) -> StackWord:
        writer = self._scene.reading.writer(at, self._scene.moment)
        if writer is not None and writer.moment < piece.moment:
            writer = None
        value, new = self._scene.word(at), self._scene.is_new(writer)
        if at in self._in_frame:
            frame, word = self._in_frame[at]
            return StackWord("frame", at, value, word.field, "", "", new, frame, word)
        kind, label, origin, by = self._kind(at, value, piece, writer)
        return StackWord(kind, at, value, label, origin, by, new)

    def _older(self, at: int) -> StackWord:
        """A word that was on the stack before the recording began."""
        value = self._scene.word(at)
        into = self._scene.names.code(value)
        new = self._scene.is_new(self._scene.reading.writer(at, self._scene.moment))
        return StackWord("older", at, value, "" if into is None else "return address", "", _function(into), new)

    def _kind(self, at: int, value: int, piece: Piece, writer: Step | None) -> tuple[Kind, str, str, str]:
        maker = self._scene.step(piece.moment)
        if (stub := self._emulated(value, maker, writer)) is not None:
            by_stub = "_stub_" in stub
            origin = "put there by the stub, as a `call` would" if by_stub else f"pushed by `{stub}`, as a `call` would"
            return "emulated", "return address", origin, ""
        if any(_is_in_gap(at, frame) for frame in self._frames):
            return "gap", "gap", "left free for a push", ""
        if maker.vector >= 0:
            if maker.error_code >= 0 and at == piece.low:
                return "error-code", "error code", "pushed by the CPU", ""
            if any(_mapped(write.addr) == _mapped(at) for write in maker.writes):
                return "gap", "gap", "left free for a push", ""
            return "alignment", "alignment", "the CPU aligns RSP to 16", ""
        inside = self._scene.reading.calls[maker.cpu].at(piece.moment)
        member = self._members.get(at)
        if member is not None and (inside.entry == "trap" or (inside.parent and inside.parent.entry == "trap")):
            return "register", member, "−1: no system call" if member == "orig_ax" else "", ""
        text = self._scene.image.disassembler.text(maker.rip, maker.code)
        by = inside.function
        if text.startswith("call"):
            callee = self._scene.reading.calls[maker.cpu].at(piece.moment + 1).function
            return "return", "return address", f"pushed by `call {callee}`", _function(self._scene.names.code(value))
        if text.startswith("push"):
            return "saved", text[5:].strip(), f"saved by `{by}`", by
        if writer is None:
            return "room", "room", f"room made by `{by}`", by
        return "local", "", f"local to `{by}`", by

    def _emulated(self, value: int, maker: Step, writer: Step | None) -> str | None:
        """Who put a return address that no `call` pushed: a stub into room of its own, or the handler into the gap."""
        if writer is None or writer.moment == maker.moment or writer.vector >= 0:
            return None
        by = self._scene.names.owner(writer.rip) or ""
        if maker.vector < 0 and "_stub_" not in by:
            return None
        return None if self._scene.names.code(value) is None else by


def _is_in_gap(at: int, frame: IretFrame) -> bool:
    """Between a frame that entry code has copied down and the end of where the CPU had pushed it."""
    size = _WORD * len(frame.words)
    return frame.address < frame.hardware and frame.address + size <= at < frame.hardware + size


def _function(name: str | None) -> str:
    return "" if name is None else name.partition("+")[0]


def _mapped(address: int) -> int:
    return KERNEL_MAP + RAM_BASE + ram_offset(address)
