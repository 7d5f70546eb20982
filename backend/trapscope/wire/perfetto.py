"""A run in Chrome's JSON trace format, which ui.perfetto.dev and chrome://tracing open.

"Trace Event Format" (Chromium's documentation) has processes, threads, slices, instants and flows. A CPU is a
process here, and each context that it was in a thread of it: a lane. One step is one microsecond: step n is drawn
from n to n + 1, and what it raised stands in the middle, so that nothing falls onto a slice's edge.

A function's slice stays open while something interrupts it, in the lane of the context that it was entered in; a
trap's begins with its delivery. What is open at the end of the run is closed there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from trapscope import __version__
from trapscope.core.lens import Event, Lane
from trapscope.core.reading import Activation, Reading, vector_name
from trapscope.core.types import Context
from trapscope.wire.events import event_object
from trapscope.wire.flows import Flow, flows

#: Lanes from the top down: the contexts in the order in which they interrupt each other, then the checks.
_LANES: Final = (*(context.value for context in Context), "checks")
_CHECKS: Final = "checks"
#: Process and thread ids of 0 mean the idle task to Perfetto; equal ones a process's main thread.
_THREADS_A_CPU: Final = 10
#: Where in a step's microsecond an event stands, and where behind a slice's begin an arrow arrives.
_MIDDLE: Final = 0.5
_ARRIVES: Final = 0.25

_Arrows = dict[int, list[tuple[int, Flow]]]


class Perfetto:
    """The first `length` steps of what has been read."""

    def __init__(self, reading: Reading, length: int) -> None:
        reading.follow()
        self._reading, self._session, self._length = reading, reading.session, length
        self._lanes = self._session.lanes
        self._out: _Arrows = {}
        self._onto: _Arrows = {}
        self._into: _Arrows = {}
        """By the id of what an arrow leaves or arrives at. An importer binds an arrow to what was told last before it
        in its lane: so each is told right behind that."""
        for number, flow in enumerate(flows(self._session.events, self._task, length), 1):
            self._out.setdefault(id(flow.start), []).append((number, flow))
            entered = self._entered(flow.end)
            arrows, at = (self._onto, id(flow.end)) if entered is None else (self._into, id(entered))
            arrows.setdefault(at, []).append((number, flow))

    def head(self) -> Iterator[str]:
        """What the run is, in the document's metadata, and the names of the lanes."""
        spec = self._session.spec
        told = {
            "program": f"trapscope {__version__}",
            "scenario": spec.scenario,
            "design": spec.design,
            "variants": list(spec.variants),
            "fetch": spec.fetch.value,
            "guest": self._session.image.sha256,
            "schedule": self._session.schedule,
            "time": "one step is one microsecond; step n is drawn from n to n + 1",
        }
        yield f'{{"displayTimeUnit":"ns","otherData":{_json(told)},"traceEvents":[\n'
        named = list(self._names())
        yield ",\n".join(map(_json, named))

    def steps(self, first: int, end: int) -> Iterator[str]:
        """The slices that begin, and the events and findings that were raised, in steps first … end-1."""
        for cpu, calls in enumerate(self._reading.calls):
            for activation in calls.all:
                if first <= activation.here < end:
                    yield from self._slice(cpu, activation)
        for event in self._session.events:
            if first <= event.moment < end:
                yield from self._instant(event)
        for finding in self._session.findings:
            if first <= finding.moment < end:
                yield _following(
                    ph="X", name=f"{finding.severity.value}: {finding.check}", cat="check", ts=finding.moment, dur=1,
                    **_thread(finding.cpu, _CHECKS), args={"step": finding.moment, "detail": finding.detail},
                )  # fmt: skip

    def tail(self) -> Iterator[str]:
        """The end of the document."""
        yield "\n]}\n"

    def _names(self) -> Iterator[dict[str, Any]]:
        """A process for each CPU, a thread for each context that it was in, one more where a check spoke."""
        columns = self._session.trace.columns
        used = {
            (cpu, self._lanes[lane].context.value)
            for cpu, lane in set(zip(columns.cpu[: self._length].tolist(), self._session.lane_of, strict=False))
        }
        used |= {(finding.cpu, _CHECKS) for finding in self._session.findings if finding.moment < self._length}
        for cpu in range(self._session.spec.cpus):
            yield _metadata("process_name", cpu, name=f"CPU {cpu}")
            yield _metadata("process_sort_index", cpu, sort_index=cpu)
            yield _metadata("process_labels", cpu, labels="1 step = 1 µs")
            for rank, lane in enumerate(_LANES):
                if (cpu, lane) in used:
                    yield _metadata("thread_name", cpu, lane, name=lane)
                    yield _metadata("thread_sort_index", cpu, lane, sort_index=rank)

    def _slice(self, cpu: int, activation: Activation) -> Iterator[str]:
        end = self._length if activation.left is None else min(activation.left, self._length)
        if end == activation.here:
            return
        trap = activation.entry == "trap"
        thread = _thread(cpu, _context(self._reading.lane_of(activation, cpu)))
        yield _following(
            ph="X", name=f"{vector_name(activation.vector)} {activation.function}" if trap else activation.function,
            cat="trap" if trap else "function", ts=activation.here, dur=end - activation.here, **thread,
            args={"entry": activation.entry, "entered": activation.entered},
        )  # fmt: skip
        for number, flow in self._into.get(id(activation), ()):
            yield _arrow("f", number, flow, ts=activation.here + _ARRIVES, **thread)

    def _instant(self, event: Event) -> Iterator[str]:
        """An event, and the arrows that leave from it, or arrive at it because it led into no slice."""
        told = event_object(event)
        arguments = {name: value for name, value in told.items() if name not in ("n", "cpu", "event")}
        place = {
            "ts": event.moment + _MIDDLE,
            **_thread(event.cpu, _context(self._reading.lane(event.cpu, event.moment))),
        }
        yield _following(
            ph="i", s="t", name=event.name, cat="event", **place, args={"step": event.moment, **arguments}
        )  # fmt: skip
        for kind, arrows in (("s", self._out), ("f", self._onto)):
            for number, flow in arrows.get(id(event), ()):
                yield _arrow(kind, number, flow, **place)

    def _entered(self, event: Event) -> Activation | None:
        """What the event's step led into, if that is drawn; a delivery's own slice begins with the step."""
        activation = self._reading.calls[event.cpu].at(event.moment + 1)
        left = self._length if activation.left is None else min(activation.left, self._length)
        begins = activation.here in (event.moment, event.moment + 1)
        return activation if begins and left > activation.here else None

    def _task(self, event: Event) -> str:
        return self._lanes[self._session.lane_of[event.moment]].task


def _context(lane: Lane | None) -> str:
    return Context.PROCESS.value if lane is None else lane.context.value


def _thread(cpu: int, lane: str) -> dict[str, int]:
    return {"pid": cpu + 1, "tid": (cpu + 1) * _THREADS_A_CPU + _LANES.index(lane)}


def _metadata(what: str, cpu: int, lane: str | None = None, **arguments: Any) -> dict[str, Any]:
    where = {"pid": cpu + 1} if lane is None else _thread(cpu, lane)
    return {"ph": "M", "name": what, **where, "args": arguments}


def _arrow(kind: str, number: int, flow: Flow, **place: float) -> str:
    binds = {"bp": "e"} if kind == "f" else {}
    return _following(ph=kind, id=number, name=flow.name, cat="flow", **binds, **place)


def _following(**fields: Any) -> str:
    return ",\n" + _json(fields)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
