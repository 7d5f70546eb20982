"""A message that is told: its name in the copy (copy/en/story.ftl) and what goes into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

#: By name, the passages of the seed patch that a moment can show (frontend/src/copy/patch.ts has them whole).
PASSAGES: Final = (
    "breakpoint", "skip", "emulate", "frame", "stub", "communicate", "four", "slots", "percpu", "thread", "fork",
    "offsets",
)  # fmt: skip

#: Where one step raises several events, the one that the others explain is told first.
_WEIGHT: Final = (
    "fault", "old-body-ran", "fops-missed", "redirected", "fops-called", "call-emulated", "stub-entered",
    "frame-rewritten", "slot-pushed", "slot-popped", "int3", "gap-opened", "preempted", "migrated", "forked",
    "softirq", "sync-core", "text-write", "fetch-view", "patch-phase", "ipi-sent", "nmi", "mce", "irq",
    "ipi-taken", "frame-pushed", "iret",
)  # fmt: skip
_WEIGHT_OF: Final = {name: weight for weight, name in enumerate(_WEIGHT)}


class Copy(Protocol):
    """The words of a language, wherever they are kept."""

    def say(self, id_: str, args: Mapping[str, str | int] | None = None) -> str:
        """The message with what goes into it."""

    def of_place(self, function: str, insn: str) -> str | None:
        """The message of an instruction that deserves one of its own, or of its function."""


@dataclass(frozen=True, slots=True)
class Told:
    """Of one event. Texts are as people read them; a number decides between one and many.

    `passage`: the words of the patch that this moment shows, if it shows any. The lowest `weight` of a step's events is
    the story; the others stand beside it.
    """

    id: str
    args: Mapping[str, str | int] = field(default_factory=dict)
    passage: str | None = None
    weight: int = len(_WEIGHT)


def weight_of(name: str) -> int:
    """Of an event of that name."""
    return _WEIGHT_OF.get(name, len(_WEIGHT))
