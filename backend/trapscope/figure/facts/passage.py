"""The sentence of the seed patch that a moment shows; the scenario's own at its start; none where none fits."""

from __future__ import annotations

from typing import Final

from trapscope.core.session import sentences as patch
from trapscope.core.session.catalogue import CATALOGUE
from trapscope.figure.facts.story import told_at
from trapscope.figure.scene import Scene

_SENTENCES: Final = {
    "breakpoint": patch.INT3_FIRST,
    "skip": patch.AS_NOP,
    "emulate": patch.EMULATE,
    "frame": patch.IRET_FRAME,
    "stub": patch.IRET_FRAME,
    "communicate": patch.COMMUNICATED,
    "four": patch.AT_MOST_FOUR,
    "slots": patch.FOUR_ENTRIES,
    "percpu": patch.PER_CPU,
    "thread": patch.NORMS,
    "fork": patch.MEMCPY,
    "offsets": patch.ASM_OFFSETS,
}


def passage_at(scene: Scene) -> str | None:
    """Word for word from the patch."""
    if scene.moment == 0:
        return CATALOGUE[scene.spec.scenario].sentences[0]
    told = told_at(scene)
    return None if told is None or told.passage is None else _SENTENCES[told.passage]
