"""The input log: a session's spec and, in order, what was asked of it and when. Append-only.

A run is deterministic, so the log *is* the session: feed its inputs to a new machine and the same steps come out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from trapscope.core.errors import TrapscopeError
from trapscope.core.types import RunSpec


class UnknownSession(TrapscopeError):
    """No session of that id: it never was, or it is deleted."""


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """What was decided when the session was created."""

    id: str
    spec: RunSpec
    max_steps: int


@dataclass(frozen=True, slots=True)
class Input:
    """A schedule that was queued, or with None the cancelling of what was queued, when `at` steps had been made.

    `at` matters for a cancel, which drops exactly what had not run by then.
    """

    at: int
    schedule: str | None


class InputLog(Protocol):
    """Every method but `create` raises UnknownSession for an id that is not there."""

    async def create(self, record: SessionRecord) -> None:
        """Begin a log; raises ValueError if the id is taken."""
        ...

    async def append(self, session: str, entry: Input) -> None:
        """Add to the end; raises ValueError if `entry.at` lies before the last entry's."""
        ...

    async def record(self, session: str) -> SessionRecord:
        """What `create` was given."""
        ...

    async def read(self, session: str) -> tuple[Input, ...]:
        """All entries, in order."""
        ...

    async def delete(self, session: str) -> None:
        """Forget the session."""
        ...
