"""What everybody in a room sees: the log of its steps, its status, who is there, and whether it is over.

The room writes, each client reads at its own pace. Of what is only ever the newest (status, people), a counter says
how often it changed, so that a client needs to remember no more than the count that it has told.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from trapscope.server.engines.step_log import LogChunk, StepLog
from trapscope.server.refusal import Refused
from trapscope.wire.messages import Person, Status
from trapscope.wire.rest import RunChoice
from trapscope.wire.values import Registers


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is fixed once the machine has booted. `guest` is the ELF's SHA-256."""

    session: str
    guest: str
    choice: RunChoice
    cpus: list[Registers]
    memory_frame: bytes


@dataclass(slots=True)
class Board:
    """Readers put their event among `wakes`, and it is set whenever there may be something new."""

    beginning: Beginning
    log: StepLog
    _status: Status
    people: dict[str, Person] = field(default_factory=dict)
    closed: Refused | None = None
    status_changes: int = 0
    """How often the status has changed; steps made while running are no change."""
    people_changes: int = 0
    wakes: set[asyncio.Event] = field(default_factory=set)

    @property
    def status(self) -> Status:
        """What the session is doing now."""
        return self._status.model_copy(update={"steps": self.log.steps})

    def show(self, status: Status) -> None:
        """The session does something else from now on."""
        self._status = status
        self.status_changes += 1
        self._wake()

    def record(self, chunk: LogChunk) -> None:
        """Append to the log and let everybody read on."""
        self.log.append(chunk)
        self._wake()

    def announce_people(self) -> None:
        """Who is there, or where, is different from what was told."""
        self.people_changes += 1
        self._wake()

    def close(self, why: Refused) -> None:
        """Everybody is told goodbye."""
        self.closed = why
        self._wake()

    def _wake(self) -> None:
        for wake in self.wakes:
            wake.set()
