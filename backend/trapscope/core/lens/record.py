"""What the lens has to say about the step that it is looking at."""

from __future__ import annotations

from trapscope.core.lens.events import Event
from trapscope.core.lens.finding import CHECKS, Finding


class Record:
    """Collects the events and findings of one step at a time; `moment` and `cpu` are that step's."""

    def __init__(self) -> None:
        self.moment = 0
        self.cpu = 0
        self.events: list[Event] = []
        self.findings: list[Finding] = []

    def begin(self, moment: int, cpu: int) -> list[Event]:
        """Turn to the next step; returns the list that its events will go to."""
        self.moment, self.cpu = moment, cpu
        self.events = []
        return self.events

    def breach(self, check: str, detail: str) -> None:
        """A check does not hold. Raises KeyError for a check that does not exist."""
        self.findings.append(Finding(self.moment, check, CHECKS[check].severity, self.cpu, detail))

    def take_findings(self) -> list[Finding]:
        """The findings since the last call."""
        taken, self.findings = self.findings, []
        return taken
