"""Where a step belongs: the context its CPU was in, the depth of nested int3 traps, and the task."""

from __future__ import annotations

from dataclasses import dataclass

from trapscope.core.types import Context


@dataclass(frozen=True, slots=True)
class Lane:
    """One row of the timeline. An instruction belongs to the lane it ran in, a delivery to the one it opened."""

    context: Context
    trap: int
    task: str
