"""A run as long as one likes: an NMI that interrupts itself without the nesting protocol goes round for ever."""

from __future__ import annotations

from trapscope.bench.recording import observe
from trapscope.core.image import Image
from trapscope.core.session import Session
from trapscope.core.session.catalogue import CATALOGUE, resolve

SCENARIO, DESIGN, VARIANTS = "nmi-in-nmi", "gap", ("plain-nmi",)


def long_session(image: Image, steps: int) -> Session:
    """That many steps, recorded with lens and checks."""
    session = Session(image, resolve(image, SCENARIO, DESIGN, VARIANTS), max_steps=steps)
    session.feed(CATALOGUE[SCENARIO].schedule_under(DESIGN, VARIANTS))
    observe(session)
    if len(session.trace) != steps:
        raise ValueError(f"the run that never ends ended after {len(session.trace)} steps")
    return session
