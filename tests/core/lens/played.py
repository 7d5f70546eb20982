"""Runs for the lens's tests: each is played once, whoever asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from trapscope.core.image import Image
from trapscope.core.lens import Event, Finding, Lens
from trapscope.core.session import Session
from trapscope.core.session.catalogue import CATALOGUE, resolve
from trapscope.core.types import Severity, Step

_MAX_STEPS = 20_000


def play(
    image: Image, scenario: str, design: str = "thread", *variants: str, schedule: str = "", fetch: str = "coherent"
) -> Session:
    """The run to its end, under the scenario's own schedule if none is given."""
    spec = resolve(image, scenario, design, variants, fetch)
    session = Session(image, spec, max_steps=_MAX_STEPS)
    session.feed(schedule or CATALOGUE[scenario].schedule_under(design, spec.variants, spec.fetch))
    while session.pending:
        session.advance(_MAX_STEPS)
    session.finish()
    return session


played = cache(play)
"""The same, kept for whoever asks again: for a few runs, each of which takes megabytes."""


def only(events: Iterable[Event], *names: str) -> list[Event]:
    """The events of those names, in order."""
    return [event for event in events if event.name in names]


def names(events: Iterable[Event]) -> list[str]:
    return [event.name for event in events]


def violated(session: Session) -> set[str]:
    """The checks that the run breaks."""
    return {finding.check for finding in session.findings if finding.severity is Severity.VIOLATION}


def observed_again(session: Session, tamper: Callable[[Step], Step] = lambda step: step) -> tuple[
    list[Event], list[Finding]
]:  # fmt: skip
    """What a new lens says of the run's steps, each as `tamper` leaves it."""
    state = session.state0.copy()
    lens = Lens(session.image, session.spec, state)
    events: list[Event] = []
    findings: list[Finding] = []
    for step in session.trace.steps():
        changed = tamper(step)
        state.apply(changed)
        events += lens.observe(changed, state)
        findings += lens.take_findings()
    last = session.trace.step(len(session.trace) - 1)
    return events, findings + lens.finish(last.moment, last.cpu, state, complete=True)
