"""A run for people: what happened, moment by moment, what held, and what the guest itself says."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from trapscope.cli.phrases import phrase
from trapscope.core.lens import CHECKS, Event, Finding
from trapscope.core.session import Session
from trapscope.core.session.catalogue import CATALOGUE
from trapscope.core.session.ending import Ending
from trapscope.core.session.ending_words import why_it_ended
from trapscope.core.session.next_run import next_run
from trapscope.core.session.schedule import MAX_LENGTH
from trapscope.core.types import DIRECT_MAP, KERNEL_MAP, FetchModel, Severity, Verdict

_WIDTH: Final = 110
#: More events than this are told as their number; `--format jsonl` has them all.
_MOST_EVENTS: Final = 400
_LINE_BYTES: Final = 64


def summary(session: Session) -> Iterator[str]:
    """The report of a run that has ended, line by line."""
    yield from (f"{line}".rstrip() + "\n" for line in _lines(session))


def _lines(session: Session) -> Iterator[str]:
    spec = session.spec
    scenario = CATALOGUE[spec.scenario]
    facts = [spec.scenario, f"design {spec.design}", *(f"variant {name}" for name in spec.variants)]
    facts += [f"{spec.fetch} fetch", f"{spec.cpus} CPU{'' if spec.cpus == 1 else 's'}"]
    yield " · ".join(facts)
    yield scenario.question
    yield ""
    yield from _events(session)
    yield ""
    yield from _checks(session)
    yield ""
    yield from _guest(session)
    yield ""
    yield from _verdict(session)


def _events(session: Session) -> Iterator[str]:
    told = session.events[:_MOST_EVENTS]
    width = len(f"{len(session.trace):,}")
    yield f"{'moment':>{max(6, width)}}  cpu  {'context':8} trap  event"
    for event in told:
        yield _event(session, event, max(6, width))
    if len(session.events) > len(told):
        yield f"… and {len(session.events) - len(told):,} more events; --format jsonl has them all"


def _event(session: Session, event: Event, width: int) -> str:
    lane = session.lanes[session.lane_of[event.moment]]
    head = f"{event.moment:>{width},}  {event.cpu:>3}  {lane.context:8} {lane.trap or '':>4}  {event.name:16}"
    return f"{head} {phrase(event, session.image)}"


def _checks(session: Session) -> Iterator[str]:
    yield "checks"
    for name in CHECKS:
        found = [finding for finding in session.findings if finding.check == name]
        if not found:
            yield f"  {name:22} holds"
        for finding in found[:3]:
            yield from _finding(finding)
        if len(found) > 3:
            yield f"  {'':22} … and {len(found) - 3:,} more"


def _finding(finding: Finding) -> Iterator[str]:
    head = f"  {finding.check:22} {finding.severity} at moment {finding.moment:,} on CPU {finding.cpu}: "
    yield from textwrap.wrap(head + finding.detail, _WIDTH, subsequent_indent=" " * 25, break_on_hyphens=False)


def _guest(session: Session) -> Iterator[str]:
    """The guest's own counters, and what the first cache line of its tasks went through."""
    image, memory = session.image, session.trace.head.memory
    at, layout = image.symbol("report").address, image.struct("report")
    verdicts = {number: name.removeprefix("VERDICT_") for name, number in image.enum("verdict").items()}
    said = memory.u32(at + layout.member("verdict").offset)
    counters = [member for member in layout.members if member.type == "atomic_t"]
    counts = [(member.name.replace("_", " "), memory.u32(at + member.offset)) for member in counters]
    yield f"guest   says {verdicts.get(said, said)}: " + ", ".join(f"{name} {count}" for name, count in counts if count)
    yield from _cache_lines(session)


def _cache_lines(session: Session) -> Iterator[str]:
    """Stores to the 64 bytes that thread_info lies in, which the patch says are rarely touched."""
    image = session.image
    stack = image.offset("task_struct", "thread_info.ftrace_int3_stack")
    extent = range(stack, stack + image.struct("ftrace_int3_stack").size)
    lines = {variable.address: variable.name for variable in image.variables_of("struct task_struct")}
    stores = dict.fromkeys(lines, 0)
    to_stack = dict.fromkeys(lines, 0)
    for step in session.trace.steps():
        for write in step.writes:
            address = write.addr if write.addr >= KERNEL_MAP else write.addr - DIRECT_MAP + KERNEL_MAP
            task = next((task for task in lines if task <= address < task + _LINE_BYTES), None)
            if task is not None:
                stores[task] += 1
                to_stack[task] += address - task in extent
    for task, name in lines.items():
        if stores[task]:
            yield (
                f"task    {name}: {stores[task]} of {len(session.trace):,} steps stored to its first cache line,"
                f" {to_stack[task]} to ftrace_int3_stack"
            )


def _verdict(session: Session) -> Iterator[str]:
    assert session.verdict is not None
    violations = sum(finding.severity is Severity.VIOLATION for finding in session.findings)
    notes = len(session.findings) - violations
    why = f" ({session.reason})" if session.reason else ""
    yield (
        f"{session.verdict}{why}: {len(session.trace):,} steps, {violations} violation{_s(violations)},"
        f" {notes} note{_s(notes)}"
    )
    if session.verdict is Verdict.VIOLATED:
        broken = dict.fromkeys(f.check for f in session.findings if f.severity is Severity.VIOLATION)
        yield f"violated: {', '.join(broken)}"
    if session.ending is not None:
        yield from _ending(session, session.ending)
    if session.is_named:
        yield f"schedule  {session.schedule}"
    else:
        yield f"schedule  longer than the {MAX_LENGTH:,} characters that are accepted, so it is not given"
    yield f"hash      {session.hash}"


def _ending(session: Session, ending: Ending) -> Iterator[str]:
    """What broke first, or what kept the run from its end, or what has been shown; and what to look at next."""
    head = "ending    "
    if ending.first is not None:
        head += f"first, at moment {ending.first.moment:,} on CPU {ending.first.cpu}: "
    told = head + why_it_ended(ending, session.spec)
    yield from textwrap.wrap(told, _WIDTH, subsequent_indent=" " * 10, break_on_hyphens=False)
    then = next_run(session.spec, ending.verdict)
    variants = "".join(f" --variant {name}" for name in then.variants)
    fetch = "" if then.fetch is FetchModel.COHERENT else f" --fetch {then.fetch}"
    schedule = f" --schedule '{then.schedule}'" if then.schedule else ""
    yield f"next      {then.words}: trapscope run {then.scenario} --design {then.design}{variants}{fetch}{schedule}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
