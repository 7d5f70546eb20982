"""The export for Perfetto against the trace event format's own rules, and against the session's facts."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest

from tests.core.lens.played import played
from trapscope.core.errors import BadInput
from trapscope.core.image import Image
from trapscope.core.lens import events as lens
from trapscope.core.reading import Reading
from trapscope.core.session import Session
from trapscope.core.types import StepKind
from trapscope.wire import exports

RUNS = [
    ("first-call", "thread"),
    ("livepatch-window", "skip"),
    ("four-contexts", "thread"),
    ("four-contexts", "gap"),
    ("patch-live", "thread"),
    ("preempt-migrate", "percpu"),
]
#: What "Trace Event Format" asks of each phase that is used, besides `ph`, `pid` and `name`.
REQUIRED = {
    "M": {"args"},
    "X": {"cat", "tid", "ts", "dur", "args"},
    "i": {"cat", "tid", "ts", "s", "args"},
    "s": {"cat", "tid", "ts", "id"},
    "f": {"cat", "tid", "ts", "id", "bp"},
}

TraceEvent = dict[str, Any]


def document(session: Session) -> dict[str, Any]:
    told: dict[str, Any] = json.loads("".join(exports.lines("perfetto", Reading(session), None)))
    return told


def events_of(session: Session, *phases: str) -> list[TraceEvent]:
    events: list[TraceEvent] = document(session)["traceEvents"]
    return [event for event in events if not phases or event["ph"] in phases]


@pytest.mark.parametrize(("scenario", "design"), RUNS)
def test_every_event_has_what_its_phase_asks_for_and_nothing_else(image: Image, scenario: str, design: str) -> None:
    session = played(image, scenario, design)
    for event in events_of(session):
        extra = {"tid"} if event["ph"] == "M" else set()
        assert set(event) - extra == {"ph", "pid", "name"} | REQUIRED[event["ph"]]
        assert event["pid"] in range(1, session.spec.cpus + 1)
        if event["ph"] != "M":
            assert 0 <= event["ts"] <= event["ts"] + event.get("dur", 0) <= len(session.trace)


@pytest.mark.parametrize(("scenario", "design"), RUNS)
def test_slices_nest_in_each_lane_and_are_told_outermost_first(image: Image, scenario: str, design: str) -> None:
    lanes: dict[int, list[TraceEvent]] = defaultdict(list)
    for event in events_of(played(image, scenario, design), "X"):
        lanes[event["tid"]].append(event)
    for slices in lanes.values():
        assert [slice_["ts"] for slice_ in slices] == sorted(slice_["ts"] for slice_ in slices)
        open_: list[int] = []
        for slice_ in slices:
            while open_ and open_[-1] <= slice_["ts"]:
                open_.pop()
            end = slice_["ts"] + slice_["dur"]
            assert slice_["dur"] > 0
            assert not open_ or end <= open_[-1]
            open_.append(end)


@pytest.mark.parametrize(("scenario", "design"), RUNS)
def test_slices_instants_and_lanes_are_as_many_as_the_session_says(image: Image, scenario: str, design: str) -> None:
    session = played(image, scenario, design)
    steps = list(session.trace.steps())
    slices = events_of(session, "X")
    entered = [slice_ for slice_ in slices if slice_["cat"] != "check" and slice_["ts"] == slice_["args"]["entered"]]
    traps = [slice_["ts"] for slice_ in entered if slice_["cat"] == "trap"]
    assert sorted(traps) == [step.moment for step in steps if step.kind is StepKind.DELIVERY]
    calls = [slice_["ts"] for slice_ in entered if slice_["args"]["entry"] == "call"]
    assert sorted(calls) == [
        step.moment + 1
        for step in steps[:-1]
        if step.code and session.image.disassembler.decode(step.code).mnemonic == "call"
    ]
    assert len([slice_ for slice_ in slices if slice_["cat"] == "check"]) == len(session.findings)
    instants = events_of(session, "i")
    assert [(event["name"], event["ts"]) for event in instants] == [(e.name, e.moment + 0.5) for e in session.events]
    lanes = {
        (event["pid"] - 1, event["args"]["name"]) for event in events_of(session, "M") if event["name"] == "thread_name"
    }
    assert {lane for lane in lanes if lane[1] != "checks"} == {
        (step.cpu, session.lanes[session.lane_of[step.moment]].context.value) for step in steps
    }
    assert {cpu for cpu, lane in lanes if lane == "checks"} == {finding.cpu for finding in session.findings}


@pytest.mark.parametrize(("scenario", "design"), RUNS)
def test_every_arrow_has_both_ends_inside_a_slice(image: Image, scenario: str, design: str) -> None:
    session = played(image, scenario, design)
    slices = events_of(session, "X")
    starts = {event["id"]: event for event in events_of(session, "s")}
    ends = {event["id"]: event for event in events_of(session, "f")}
    assert starts.keys() == ends.keys()
    for number, start in starts.items():
        end = ends[number]
        assert start["ts"] < end["ts"]
        for tip in (start, end):
            assert any(
                slice_["tid"] == tip["tid"] and slice_["ts"] <= tip["ts"] < slice_["ts"] + slice_["dur"]
                for slice_ in slices
            )
    taken = [event for event in session.events if isinstance(event, lens.IpiTaken)]
    emulated = [event for event in session.events if isinstance(event, lens.CallEmulated)]
    assert [start["name"] for start in starts.values()].count("emulated call") == len(emulated)
    assert [start["name"] for start in starts.values()].count("IPI") == len(taken)


def test_a_checks_finding_is_told_with_its_words(image: Image) -> None:
    session = played(image, "livepatch-window", "skip")
    told = [(e["name"], e["args"]["detail"]) for e in events_of(session, "X") if e["cat"] == "check"]
    assert told == [(f"violation: {finding.check}", finding.detail) for finding in session.findings]


def test_the_document_says_what_a_microsecond_is(image: Image) -> None:
    other = document(played(image, "first-call"))["otherData"]
    assert other["time"].startswith("one step is one microsecond")
    assert (other["scenario"], other["design"], other["schedule"]) == ("first-call", "thread", "0*748")


def test_pieces_hold_the_same_events_as_the_whole(image: Image) -> None:
    reading = Reading(played(image, "patch-live"))
    length = len(reading.session.trace)
    export = exports.begin("perfetto", reading, length, None)
    cuts = [*range(0, length, 1000), length]
    text = "".join(
        [*export.head(), *(line for first, end in pairwise(cuts) for line in export.steps(first, end)), *export.tail()]
    )
    whole = document(reading.session)["traceEvents"]
    assert sorted(map(str, json.loads(text)["traceEvents"])) == sorted(map(str, whole))


def test_what_goes_on_after_the_export_began_is_cut_off_at_its_end(image: Image) -> None:
    reading = Reading(played(image, "first-call"))
    export = exports.begin("perfetto", reading, 200, None)
    events = json.loads("".join([*export.head(), *export.steps(0, 200), *export.tail()]))["traceEvents"]
    slices = [event for event in events if event["ph"] == "X"]
    assert max(slice_["ts"] + slice_["dur"] for slice_ in slices) == 200
    assert {"int3", "do_int3"} < {slice_["name"].removeprefix("#BP ") for slice_ in slices}


def test_a_cpu_is_no_choice_here(image: Image) -> None:
    with pytest.raises(BadInput, match="tenet only"):
        list(exports.lines("perfetto", Reading(played(image, "first-call")), 0))
