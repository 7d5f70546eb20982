"""One run: a machine, what is asked of it, and everything that came of it so far.

Commands in (`feed`, `advance`, `cancel`, `finish`), facts out (`trace`, `events`, `findings`, `lanes`, `verdict`).
The same image, spec and schedule give the same trace hash anywhere.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from trapscope.core.image import Image
from trapscope.core.lens import EVENT_NAMES, Event, Finding, Lane, Lens
from trapscope.core.machine import Machine
from trapscope.core.session.params import booted
from trapscope.core.session.schedule import (
    SITE_BYTES,
    AnyToken,
    Canonical,
    Fetch,
    Inject,
    Names,
    RoundRobin,
    RunSteps,
    RunToEnd,
    RunUntilEvent,
    RunUntilSymbol,
    RunUntilWaits,
    parse,
)
from trapscope.core.session.standstill import IDLE_ROUNDS, IdleRounds
from trapscope.core.trace import Memory, State, Trace
from trapscope.core.types import DEFAULT_MAX_STEPS, RIP, FetchModel, RunSpec, Severity, Step, Verdict

#: While the CPU of `K>.` waits, another runs until it waits too, at most this many steps.
_TURN_STEPS: Final = 64


class Session:
    """A run that can be fed and advanced piece by piece."""

    def __init__(
        self, image: Image, spec: RunSpec, *, max_steps: int = DEFAULT_MAX_STEPS, machine: Machine | None = None
    ) -> None:
        """`spec` must be one that `catalogue.resolve` returned; `max_steps` ≥ 1 ends the run as out-of-steps.

        `machine` saves the boot: one of the same image and spec that stands at moment 0 and nobody else uses.
        """
        if max_steps < 1:
            raise ValueError(f"a run has at least one step, not {max_steps}")
        self.image, self.spec, self.max_steps = image, spec, max_steps
        self._machine = booted(image, spec) if machine is None else machine
        self.state0 = State([self._machine.registers(cpu) for cpu in range(spec.cpus)], Memory.of(self._machine.ram()))
        self.trace = Trace(self.state0)
        self._lens = Lens(image, spec, self.state0.copy())
        self.events: list[Event] = []
        self.findings: list[Finding] = []
        self.lanes: list[Lane] = []
        """Every (context, trap, task) that a step had, in the order of first appearance."""
        self.lane_of = array("I")
        """Per step, the index into `lanes`."""
        self._lane_ids: dict[Lane, int] = {}
        self.verdict: Verdict | None = None
        self.reason = ""
        """One sentence on why the run ended, where the verdict alone does not say it."""
        self._queue: deque[AnyToken] = deque()
        self._work: Iterator[int] | None = None
        self._room = 0
        self._injected: list[tuple[int, Inject]] = []
        self._canonical = Canonical()
        self._names = Names(spec.cpus, EVENT_NAMES, self._address, spec.fetch is FetchModel.WEAK)

    @property
    def schedule(self) -> str:
        """The canonical schedule of what has happened so far."""
        return str(self._canonical)

    @property
    def hash(self) -> str:
        """The trace's hash: the name of this run."""
        return self.trace.hash

    @property
    def pending(self) -> bool:
        """Whether `advance` has something left to do."""
        return self.verdict is None and bool(self._queue)

    @property
    def ready(self) -> tuple[int, ...]:
        """The CPUs that have a next step now."""
        return tuple(cpu for cpu in range(self.spec.cpus) if self._machine.can_step(cpu))

    def feed(self, schedule: str) -> None:
        """Queue a schedule behind what is queued; raises BadSchedule and then queues nothing of it."""
        self._queue.extend(parse(schedule, self._names))

    def cancel(self) -> None:
        """Drop what is queued; what has happened stays."""
        self._queue.clear()
        self._work = None

    def advance(self, limit: int) -> int:
        """Make about `limit` ≥ 1 steps of what is queued (never more); returns how many were made."""
        start = len(self.trace)
        while self.pending and len(self.trace) - start < limit:
            if len(self.trace) >= self.max_steps:
                self._end(Verdict.OUT_OF_STEPS, f"the step budget of {self.max_steps} is used up")
                break
            self._room = min(limit - (len(self.trace) - start), self.max_steps - len(self.trace))
            if self._work is None:
                self._work = self._pursue(self._queue[0])
            if next(self._work, None) is None:
                self._work = None
                if self._queue:
                    self._queue.popleft()
        return len(self.trace) - start

    def turn(self, cpu: int, limit: int) -> int:
        """Let one CPU make up to `limit` steps now, past the queue; returns how many (fewer where it sleeps in HLT)."""
        made = 0
        while made < limit and self.verdict is None:
            if len(self.trace) >= self.max_steps:
                self._end(Verdict.OUT_OF_STEPS, f"the step budget of {self.max_steps} is used up")
                break
            now = self._run(cpu, min(limit - made, self.max_steps - len(self.trace)))
            if not now:
                break
            made += now
        return made

    def stale(self, cpu: int) -> dict[int, int]:
        """The bytes of text, by address, that the CPU would decode instead of what memory holds (weak model)."""
        return self._machine.stale(cpu)

    def would_step(self, cpu: int, refreshed: Iterable[int]) -> Step | None:
        """The step that the CPU would make if its fetch saw the newest bytes at these addresses. Nothing changes."""
        before = self._machine.snapshot()
        for address in refreshed:
            self._machine.catch_up(cpu, address)
        steps = self._machine.run(cpu, 1)
        self._machine.restore(before)
        return steps[0] if steps else None

    def finish(self) -> Verdict:
        """End the run here, if it has not ended: the checks that hold "at the end" of a whole scenario do not apply."""
        if self.verdict is None:
            if self._queue and len(self.trace) >= self.max_steps:
                self._end(Verdict.OUT_OF_STEPS, f"the step budget of {self.max_steps} is used up")
            else:
                self._end(Verdict.OK, f"the schedule ended at moment {len(self.trace)}, before the scenario did")
        assert self.verdict is not None
        return self.verdict

    def _pursue(self, token: AnyToken) -> Iterator[int]:
        """Do what a token asks, in pieces of at most `_room` steps; yields after each."""
        if isinstance(token, RunSteps):
            yield from self._run_steps(token)
        elif isinstance(token, RunUntilWaits):
            yield from self._run_until_waits(token.cpu, token)
        elif isinstance(token, RunUntilEvent):
            yield from self._run_until_event(token)
        elif isinstance(token, RunUntilSymbol):
            yield from self._run_until_symbol(token)
        elif isinstance(token, RunToEnd):
            yield from self._run_to_end(token.cpu)
        elif isinstance(token, RoundRobin):
            yield from self._round_robin(token.quantum)
        elif isinstance(token, Inject):
            self._inject(token)
        elif isinstance(token, Fetch):
            self._fetch(token)
        else:
            assert_never(token)

    def _run_steps(self, token: RunSteps) -> Iterator[int]:
        left = token.steps
        while left and not self._over():
            made = self._run(token.cpu, min(left, self._room))
            left -= made
            if not made and left:
                self._stuck(token, f"still wants {left} steps")
            yield made

    def _run_until_waits(self, cpu: int, token: AnyToken) -> Iterator[int]:
        while not self._over():
            made = self._run(cpu, self._room)
            if not made and all(not self._machine.can_step(other) for other in range(self.spec.cpus)):
                self._stuck(token, "every CPU waits")
            yield made
            if not made or self._machine.waits(cpu):
                return

    def _run_until_event(self, token: RunUntilEvent) -> Iterator[int]:
        while not self._over():
            seen = len(self.events)
            made = self._run(token.cpu, 1)
            if not made:
                self._stuck(token, f"{token.event} has not come")
            yield made
            if any(event.name == token.event and event.cpu == token.cpu for event in self.events[seen:]):
                return

    def _run_until_symbol(self, token: RunUntilSymbol) -> Iterator[int]:
        while not self._over():
            made = self._run(token.cpu, self._room, frozenset({token.address}))
            if not made:
                self._stuck(token, f"{token.symbol} has not come")
            yield made
            if self.trace.head.regs[token.cpu][RIP] == token.address:
                return

    def _run_to_end(self, cpu: int) -> Iterator[int]:
        others = [other for other in range(self.spec.cpus) if other != cpu]
        idle = IdleRounds(self.trace)
        while not self._over():
            yield self._run(cpu, self._room)
            if not self._machine.waits(cpu):
                continue
            for other in others:
                turn = _TURN_STEPS
                while turn and not self._over():
                    made = self._run(other, min(turn, self._room))
                    turn -= made
                    yield made
                    if not made or self._machine.waits(other):
                        break
            self._look_for_standstill(idle)

    def _round_robin(self, quantum: int) -> Iterator[int]:
        idle = IdleRounds(self.trace)
        while not self._over():
            for cpu in range(self.spec.cpus):
                left = quantum
                while left and not self._over() and self._machine.can_step(cpu):
                    made = self._run(cpu, min(left, self._room))
                    left -= made
                    yield made
            self._look_for_standstill(idle)

    def _look_for_standstill(self, idle: IdleRounds) -> None:
        if self._over():
            return
        waiting = all(self._machine.waits(cpu) for cpu in range(self.spec.cpus))
        if idle.another(waiting) >= IDLE_ROUNDS or not any(map(self._machine.can_step, range(self.spec.cpus))):
            self._end(Verdict.STUCK, "every CPU waits, and nothing is coming for any of them")

    def _inject(self, token: Inject) -> None:
        self._canonical.add(token.text)
        self._injected.append((len(self.trace), token))
        if token.what == "irq":
            self._machine.inject_irq(token.cpu)
        elif token.what == "nmi":
            self._machine.inject_nmi(token.cpu)
        else:
            self._machine.inject_mce(token.cpu)

    def _fetch(self, token: Fetch) -> None:
        self._canonical.add(token.text)
        if token.byte is None:
            self._machine.catch_up(token.cpu)
            return
        site = self._stale_site(token.cpu) if token.site is None else token.site
        if site is not None:
            self._machine.catch_up(token.cpu, site + token.byte)

    def _stale_site(self, cpu: int) -> int | None:
        """The site nearest at or after the CPU's RIP of which it sees stale bytes."""
        rip, stale = self._machine.registers(cpu)[RIP], self._machine.stale(cpu)
        ahead = [
            site
            for site in self._lens.sites
            if site + SITE_BYTES > rip and any(site + byte in stale for byte in range(SITE_BYTES))
        ]
        return min(ahead, default=None)

    def _run(self, cpu: int, limit: int, stop_at: frozenset[int] = frozenset()) -> int:
        """Steps of one CPU, recorded and looked at; returns how many. Ends the run where it is over."""
        steps = self._machine.run(cpu, limit, stop_at)
        for step in steps:
            self._record(step)
        if steps:
            self._canonical.step(cpu, len(steps))
        if self._machine.shutdown:
            self._end(Verdict.SHUTDOWN, f"CPU {cpu} shut down: a fault came while it was delivering a double fault")
        elif self._machine.at_end(cpu):
            self._end(Verdict.OK, "")
        return len(steps)

    def _record(self, step: Step) -> None:
        self.trace.append(step)
        self.events += self._lens.observe(step, self.trace.head)
        lane = self._lens.lane(step, self.trace.head)
        lane_id = self._lane_ids.get(lane)
        if lane_id is None:
            lane_id = self._lane_ids[lane] = len(self.lanes)
            self.lanes.append(lane)
        self.lane_of.append(lane_id)
        self.findings += self._lens.take_findings()

    def _stuck(self, token: AnyToken, what: str) -> None:
        self._end(Verdict.STUCK, f"“{token.text}” at position {token.position}: {what}, and its CPU is in HLT")

    def _end(self, verdict: Verdict, reason: str) -> None:
        complete = verdict is Verdict.OK and not reason
        self.findings += self._lens.finish(self.trace.head, complete=complete, shutdown=verdict is Verdict.SHUTDOWN)
        self.findings += self._never_taken()
        violated = any(finding.severity is Severity.VIOLATION for finding in self.findings)
        self.verdict = Verdict.VIOLATED if violated and verdict is Verdict.OK else verdict
        self.reason = reason
        self.cancel()

    def _over(self) -> bool:
        return self.verdict is not None

    def _never_taken(self) -> Iterator[Finding]:
        """The last injection of each kind at each CPU, where it is still pending at the end."""
        last = {(token.what, token.cpu): (moment, token) for moment, token in self._injected}
        for (what, cpu), (moment, token) in last.items():
            if what in self._machine.pending(cpu):
                detail = f"“{token.text}” at position {token.position} was never taken by CPU {cpu}"
                yield Finding(max(min(moment, len(self.trace) - 1), 0), "injections-taken", Severity.NOTE, cpu, detail)

    def _address(self, name: str) -> int | None:
        symbol = self.image.find(name)
        return None if symbol is None else symbol.address
