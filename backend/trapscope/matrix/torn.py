"""Every mixture of old and new bytes that a lagging CPU could decode at a patch site, executed.

CPU 0 stands at the site and leaves it only to answer IPIs; CPU 1 patches, step by step. At every boundary, for
every subset of the bytes that CPU 0 does not see yet, that subset is let through and CPU 0 makes one step: it must
decode the breakpoint, the old instruction or the new one. What the step decodes depends on the bytes alone, so equal
mixtures are executed once and counted at every boundary where they occur.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from trapscope.core.image import Image
from trapscope.core.lens.events import TextWritten
from trapscope.core.session import Session
from trapscope.core.session.catalogue import resolve
from trapscope.core.session.schedule import SITE_BYTES
from trapscope.core.types import RIP, RSP, StepKind
from trapscope.matrix.row import Got, Row

_INT3 = b"\xcc"
_MOST_STEPS = 20_000
_Mixture = tuple[bytes, tuple[int, ...]]


def look(image: Image, row: Row) -> Got:
    """Sweep the row; a row that breaks `no-torn-fetch` must show at least one torn fetch, any other none."""
    spec = resolve(image, row.scenario, row.design, row.variants, row.fetch, row.cpus)
    site, allowed = _site(Session(image, resolve(image, row.scenario, row.design)))
    session = Session(image, spec)
    _begin(session)
    while session.trace.head.regs[0][RIP] != site:
        session.turn(0, 1)
    tried: set[_Mixture] = set()
    boundaries = mixtures = 0
    torn: list[str] = []
    for _ in _patching(session, site):
        boundaries += 1
        for mixture in _mixtures(session, site):
            mixtures += 1
            if mixture in tried:
                continue
            tried.add(mixture)
            step = session.would_step(0, mixture[1])
            if step is None or step.kind is StepKind.DELIVERY or step.code not in allowed:
                torn.append(_reproduce(session, site, mixture))
    wanted = "no-torn-fetch" in row.breaks
    differences: list[str] = []
    if torn and not wanted:
        differences = [f"{row}: {what}" for what in torn]
    elif wanted and not torn:
        differences = [f"{row}: no torn fetch was found"]
    if boundaries < 100:
        differences.append(f"{row}: only {boundaries} boundaries were looked at")
    summary = f"{boundaries} boundaries, {mixtures} mixtures, {len(tried)} different, {len(torn)} torn"
    if torn:
        summary += f"; {torn[0]}"
    return Got(
        row, len(tried), len(session.trace), tuple(differences), summary, spec.cpus, session.schedule, session.hash
    )


def _site(session: Session) -> tuple[int, frozenset[bytes]]:
    """The first site that the scenario, played by the book, patches, and what may be decoded there."""
    session.feed("rr*7")
    while session.advance(_MOST_STEPS):
        pass
    written = [event for event in session.events if isinstance(event, TextWritten)]
    if not written:
        raise ValueError(f"scenario {session.spec.scenario} patches nothing")
    site = written[0].site
    old = session.state0.memory.read(site, SITE_BYTES)
    new = session.trace.head.memory.read(site, SITE_BYTES)
    return site, frozenset({_INT3, old, new})


def _begin(session: Session) -> None:
    """Let CPU 0 start the scenario and wait for the first time: only then CPU 1 patches."""
    session.feed("0*")
    while session.advance(_MOST_STEPS):
        pass


def _patching(session: Session, site: int) -> Iterator[None]:
    """Let CPU 1 patch, one step at a time, CPU 0 answering every IPI and coming back to the site."""
    stack = session.trace.head.regs[0][RSP]
    while session.verdict is None and len(session.trace) < _MOST_STEPS:
        yield
        waits = session.trace and session.trace.step(len(session.trace) - 1).code == b"\xf3\x90"
        if waits and not _answer(session, site, stack):
            return
        if not session.turn(1, 1):
            return


def _answer(session: Session, site: int, stack: int) -> bool:
    """CPU 0 takes what is pending for it and returns to the site; False if nothing is."""
    upcoming = session.would_step(0, ())
    if upcoming is None or upcoming.kind is not StepKind.DELIVERY or upcoming.vector < 32:
        return False
    while session.verdict is None:
        session.turn(0, 1)
        regs = session.trace.head.regs[0]
        if regs[RIP] == site and regs[RSP] == stack:
            return True
    return False


def _mixtures(session: Session, site: int) -> Iterator[_Mixture]:
    """Every subset of the site's stale bytes, with what CPU 0 sees now: (site's bytes as seen, refreshed)."""
    stale = session.stale(0)
    here = [address for address in range(site, site + SITE_BYTES) if address in stale]
    memory = session.trace.head.memory.read(site, SITE_BYTES)
    for size in range(len(here) + 1):
        for refreshed in combinations(here, size):
            seen = bytearray(memory)
            for address in here:
                if address not in refreshed:
                    seen[address - site] = stale[address]
            yield bytes(seen), refreshed


def _reproduce(session: Session, site: int, mixture: _Mixture) -> str:
    seen, refreshed = mixture
    tokens = " ".join(f"fetch@0+{address - site}" for address in refreshed)
    return f"CPU 0 would decode {seen.hex(' ')}: {session.schedule} {tokens} 0"
