"""The iret frames on a CPU's stacks, outermost first, with what the CPU had pushed into each word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trapscope.core.lens import events as lens
from trapscope.core.lens.frames import FIELDS
from trapscope.figure.scene import Scene

_WORD: Final = 8


@dataclass(frozen=True, slots=True)
class FrameWord:
    """One of the five; `pushed` is what the delivery had put there."""

    field: str
    address: int
    value: int
    pushed: int


@dataclass(frozen=True, slots=True)
class IretFrame:
    """A frame that an `iretq` has yet to pop; `hardware` is where the CPU had pushed it, before entry code moved it."""

    index: int
    vector: int
    address: int
    hardware: int
    words: tuple[FrameWord, ...]

    @property
    def ip(self) -> FrameWord:
        return self.words[0]

    @property
    def saved_sp(self) -> int:
        return self.words[FIELDS.index("sp")].value


def frames_at(scene: Scene) -> tuple[IretFrame, ...]:
    """Those of the CPU shown."""
    traps = [activation for activation in scene.activation.chain() if activation.entry == "trap"][::-1]
    pushed_at = {event.moment: event.frame for event in scene.session.events if isinstance(event, lens.FramePushed)}
    frames = []
    for index, trap in enumerate(traps):
        gap = next((g for g in scene.events(lens.GapOpened) if g.moment > trap.entered and g.hardware == trap.sp), None)
        address = trap.sp if gap is None else gap.addr
        pushed = pushed_at.get(trap.entered)
        words = []
        for number, field in enumerate(FIELDS):
            at = address + _WORD * number
            value = scene.word(at)
            words.append(FrameWord(field, at, value, value if pushed is None else getattr(pushed, field)))
        frames.append(IretFrame(index, trap.vector, address, trap.sp, tuple(words)))
    return tuple(frames)
