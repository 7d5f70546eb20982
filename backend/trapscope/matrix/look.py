"""Running one row of the matrix and comparing what came with what must."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from trapscope.core.image import Image
from trapscope.core.machine import Machine, Snapshot
from trapscope.core.session import Session, booted
from trapscope.core.session.catalogue import CATALOGUE, resolve
from trapscope.core.types import RIP, RSP, RunSpec, Severity, Verdict
from trapscope.matrix import policy, torn
from trapscope.matrix.row import Got, Row, Sweep

QUANTA = (1, 2, 3, 5, 7, 11, 13)

_Left = Callable[[bool, int, int], bool]


def look(image: Image, row: Row) -> Got:
    """Run the row, all of its points, and say where it disagrees."""
    if row.sweep is Sweep.TORN:
        return torn.look(image, row)
    runs = steps = 0
    differences: list[str] = []
    last = schedule_of_first = hash_of_first = ""
    cpus = 0
    for schedule, session, expected in _runs(image, row):
        runs += 1
        if runs == 1:
            cpus, schedule_of_first, hash_of_first = session.spec.cpus, session.schedule, session.hash
        steps += len(session.trace)
        last = _summary(session)
        differences += [f"{difference} [{schedule}]" for difference in _compare(session, expected)]
    summary = last if runs == 1 else f"{runs} runs, last {last}"
    return Got(row, runs, steps, tuple(differences), summary, cpus, schedule_of_first, hash_of_first)


def open_session(image: Image, row: Row) -> Session:
    """A fresh session of the row's run; the one before of the same run must not be advanced any more."""
    spec = resolve(image, row.scenario, row.design, row.variants, row.fetch, row.cpus)
    machine, moment_0 = _booted(image, spec)
    machine.restore(moment_0)
    return Session(image, spec, max_steps=row.max_steps, machine=machine)


@lru_cache(maxsize=1)
def _booted(image: Image, spec: RunSpec) -> tuple[Machine, Snapshot]:
    """A row plays one run many times, and booting takes as long as playing."""
    machine = booted(image, spec)
    return machine, machine.snapshot()


def _runs(image: Image, row: Row) -> Iterator[tuple[str, Session, Row]]:
    """Every run of the row, finished, with the schedule that reproduces it and what is expected of it."""
    if row.sweep is Sweep.ONCE:
        schedule = row.schedule or CATALOGUE[row.scenario].schedule_under(row.design)
        yield schedule, _played(image, row, schedule), row
    elif row.sweep is Sweep.EVERY_HANDLER_BOUNDARY:
        yield from _every_boundary(image, row, "&ftrace_int3_handler", "nmi", ("push-begun", "slot-pushed"), _returns)
    elif row.sweep is Sweep.EVERY_STUB_BOUNDARY:
        yield from _every_boundary(image, row, "stub-entered", "irq", ("pop-begun", "slot-popped"), _jumps)
    else:
        policies: Iterable[policy.Policy] = (
            [policy.RoundRobin(quantum) for quantum in QUANTA]
            if row.sweep is Sweep.QUANTA
            else [policy.Random(seed) for seed in row.points]
        )
        for chosen in policies:
            session = open_session(image, row)
            policy.drive(session, chosen)
            yield str(chosen), session, row


def _every_boundary(
    image: Image, row: Row, first: str, what: str, accesses: tuple[str, str], left: _Left
) -> Iterator[tuple[str, Session, Row]]:
    """An injection at every boundary of the routine that begins at `first` and ends where it returns or jumps.

    A row that expects a violation expects it exactly behind the first of the two accesses and not behind the second.
    """
    base = open_session(image, row)
    base.feed(f"0>{first}")
    policy.run_out(base)
    begin = len(base.trace)
    end = _leaves(image, base, left)
    begun, done = (_moment(base, name, begin) for name in accesses)
    for moment in range(begin, end + 1):
        schedule = f"0*{moment} {what}@0 0>."
        between = begun < moment <= done
        expected = row if between or row.verdict is Verdict.OK else _fine(row)
        yield schedule, _played(image, row, schedule), expected


def _returns(inside: bool, stack: int, entry_stack: int) -> bool:
    """A function is left when RIP is outside and its frame is gone: calls out of it do not count."""
    return not inside and stack > entry_stack


def _jumps(inside: bool, _stack: int, _entry_stack: int) -> bool:
    """A stub is left by its jump."""
    return not inside


def _leaves(image: Image, session: Session, left: _Left) -> int:
    """Step CPU 0 until it has left the routine that it is in; the moment of that."""
    entered_at = session.trace.head.regs[0]
    found = image.locate(entered_at[RIP])
    if found is None:
        raise ValueError(f"no routine covers {entered_at[RIP]:#x}")
    routine, entry_stack = found[0], entered_at[RSP]
    while session.verdict is None:
        session.turn(0, 1)
        regs = session.trace.head.regs[0]
        if left(routine.address <= regs[RIP] < routine.address + routine.size, regs[RSP], entry_stack):
            return session.moment
    return session.moment


def _moment(session: Session, name: str, first: int) -> int:
    """The moment of the first such event from `first` on; before everything where a design has no such access."""
    return next((event.moment for event in session.events if event.name == name and event.moment >= first), -1)


def _fine(row: Row) -> Row:
    return Row(row.scenario, row.design, row.variants, Verdict.OK, row.why)


def _played(image: Image, row: Row, schedule: str) -> Session:
    session = open_session(image, row)
    session.feed(schedule)
    policy.run_out(session)
    session.finish()
    return session


def _compare(session: Session, row: Row) -> Iterator[str]:
    violated = {finding.check for finding in session.findings if finding.severity is Severity.VIOLATION}
    seen = {event.name for event in session.events} | {finding.check for finding in session.findings}
    if session.verdict is not row.verdict:
        why = f" ({session.reason})" if session.reason else ""
        yield f"{row}: verdict {session.verdict}{why}, expected {row.verdict}; violated: {_named(violated)}"
    elif session.reason and row.verdict is Verdict.OK:
        yield f"{row}: {session.reason}"
    if row.breaks and violated != row.breaks:
        yield f"{row}: violated {_named(violated)}, expected exactly {_named(row.breaks)}"
    if missing := row.must - seen:
        yield f"{row}: {_named(missing)} did not come"
    if unwanted := row.never & seen:
        yield f"{row}: {_named(unwanted)} came"


def _named(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _summary(session: Session) -> str:
    broken = sorted({finding.check for finding in session.findings if finding.severity is Severity.VIOLATION})
    return " ".join([str(session.verdict), *broken])
