"""Recording as a server does it, with the lens and checks or without, on a machine that has booted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from trapscope.core.image import Image
from trapscope.core.machine import Machine, Snapshot
from trapscope.core.session import Session, booted, parse
from trapscope.core.session.catalogue import CATALOGUE, resolve
from trapscope.core.session.schedule import AnyToken, Fetch, Inject, Names, RunSteps
from trapscope.core.trace import Memory, State, Trace
from trapscope.core.types import FetchModel, RunSpec

_PIECE_STEPS = 4096


@dataclass(frozen=True, slots=True)
class Run:
    """A run that can be repeated: its canonical schedule, and a machine that goes back to moment 0."""

    image: Image
    spec: RunSpec
    schedule: str
    steps: int
    machine: Machine
    moment_0: Snapshot

    @classmethod
    def of(
        cls,
        image: Image,
        scenario: str,
        *,
        design: str | None = None,
        variants: tuple[str, ...] = (),
        cpus: int | None = None,
        schedule: str | None = None,
        max_steps: int = 200_000,
    ) -> Self:
        """The scenario as it is played when nobody says otherwise; `torn` with lagging fetches, which it is about."""
        fetch = FetchModel.WEAK if scenario == "torn" else FetchModel.COHERENT
        spec = resolve(image, scenario, design, variants, fetch, cpus)
        machine = booted(image, spec)
        moment_0 = machine.snapshot()
        session = Session(image, spec, max_steps=max_steps, machine=machine)
        session.feed(schedule or CATALOGUE[scenario].schedule_under(spec.design, spec.variants, spec.fetch))
        _run_out(session)
        return cls(image, spec, session.schedule, session.moment, machine, moment_0)

    def session(self) -> Session:
        """A fresh one at moment 0, with the schedule queued. The one before must not be advanced any more."""
        self.machine.restore(self.moment_0)
        session = Session(self.image, self.spec, max_steps=self.steps, machine=self.machine)
        session.feed(self.schedule)
        return session

    def tokens(self) -> tuple[AnyToken, ...]:
        """The schedule, parsed."""
        names = Names(self.spec.cpus, (), lambda _name: None, self.spec.fetch is FetchModel.WEAK)
        return parse(self.schedule, names)

    def start(self) -> Trace:
        """An empty trace, the machine back at moment 0."""
        self.machine.restore(self.moment_0)
        registers = [self.machine.registers(cpu) for cpu in range(self.spec.cpus)]
        return Trace(State(registers, Memory.of(self.machine.ram())))


def record(machine: Machine, trace: Trace, tokens: tuple[AnyToken, ...]) -> None:
    """Play a canonical schedule into a trace: every register that changed, every write; no lens, no checks."""
    for token in tokens:
        if isinstance(token, RunSteps):
            _record_steps(machine, trace, token)
        elif isinstance(token, Inject):
            machine.inject(token.cpu, token.what)
        elif isinstance(token, Fetch):
            site = None if token.site is None or token.byte is None else token.site + token.byte
            machine.catch_up(token.cpu, site)
        else:
            raise ValueError(f"“{token.text}” is in no canonical schedule")
    _take(machine, trace)


def observe(session: Session) -> None:
    """Play what is queued with lens and checks, and have every fact told."""
    _run_out(session)
    _ = session.trace, session.events, session.findings


def _record_steps(machine: Machine, trace: Trace, token: RunSteps) -> None:
    left = token.steps
    while left:
        made = machine.run(token.cpu, min(left, _PIECE_STEPS))
        if not made:
            raise ValueError(f"CPU {token.cpu} sleeps at moment {machine.moment}, where the schedule has it step")
        left -= made
        if machine.moment - len(trace) >= _PIECE_STEPS:
            _take(machine, trace)


def _take(machine: Machine, trace: Trace) -> None:
    for block in machine.take():
        trace.extend(block)
    _ = trace.head


def _run_out(session: Session) -> None:
    while session.advance(_PIECE_STEPS):
        pass
