"""One run: a machine, what is asked of it, and everything that came of it so far.

Commands in (`feed`, `advance`, `cancel`, `finish`), facts out (`trace`, `events`, `findings`, `lanes`, `verdict`).
Steps are looked at in blocks, at the latest when somebody asks for a fact: ask for each anew after a command.
The same image, spec and schedule give the same trace hash anywhere.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import Final, assert_never

from trapscope.core.image import Image
from trapscope.core.lens import EVENT_NAMES, Event, Finding, Lane, Lens
from trapscope.core.machine import NOWHERE, Block, Machine, View
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
_DONE: Final = object()


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
        self._trace = Trace(self.state0)
        self._lens = Lens(image, spec, self.state0.copy())
        self._events: list[Event] = []
        self._findings: list[Finding] = []
        self._lanes: list[Lane] = []
        self._lane_of = array("I")
        self._lane_ids: dict[Lane, int] = {}
        self.verdict: Verdict | None = None
        self.reason = ""
        """One sentence on why the run ended, where the verdict alone does not say it."""
        self._scenario_end = image.symbol("scenario_end").address
        self._queue: deque[AnyToken] = deque()
        self._work: Iterator[None] | None = None
        self._room = 0
        self._injected: list[tuple[int, Inject]] = []
        self._canonical = Canonical()
        self._names = Names(spec.cpus, EVENT_NAMES, self._address, spec.fetch is FetchModel.WEAK)

    @property
    def trace(self) -> Trace:
        """Every step so far."""
        self._settle()
        return self._trace

    @property
    def events(self) -> list[Event]:
        """What the steps meant."""
        self._settle()
        return self._events

    @property
    def findings(self) -> list[Finding]:
        """What the checks found."""
        self._settle()
        return self._findings

    @property
    def lanes(self) -> list[Lane]:
        """Every (context, trap, task) that a step had, in the order of first appearance."""
        self._settle()
        return self._lanes

    @property
    def lane_of(self) -> array[int]:
        """Per step, the index into `lanes`."""
        self._settle()
        return self._lane_of

    @property
    def moment(self) -> int:
        """How many steps there have been; cheaper than to look at them."""
        return self._machine.moment

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
        start = self.moment
        while self.pending and self.moment - start < limit:
            self._room = min(limit - (self.moment - start), self._budget())
            if not self._room:
                break
            if self._work is None:
                self._work = self._pursue(self._queue[0])
            if next(self._work, _DONE) is _DONE:
                self._work = None
                if self._queue:
                    self._queue.popleft()
        return self.moment - start

    def turn(self, cpu: int, limit: int) -> int:
        """Let one CPU make up to `limit` steps now, past the queue; returns how many (fewer where it sleeps in HLT)."""
        made = 0
        while made < limit and self.verdict is None:
            self._room = min(limit - made, self._budget())
            if not self._room:
                break
            now = self._run(cpu, self._room)
            if not now:
                break
            made += now
        return made

    def _budget(self) -> int:
        """How many steps are left; ends the run if there are none."""
        left = self.max_steps - self.moment
        if not left:
            self._end(Verdict.OUT_OF_STEPS, f"the step budget of {self.max_steps} is used up")
        return left

    def stale(self, cpu: int) -> dict[int, int]:
        """The bytes of text, by address, that the CPU would decode instead of what memory holds (weak model)."""
        return self._machine.stale(cpu)

    def would_step(self, cpu: int, refreshed: Iterable[int]) -> Step | None:
        """The step that the CPU would make if its fetch saw the newest bytes at these addresses. Nothing changes."""
        self._settle()
        before = self._machine.snapshot()
        for address in refreshed:
            self._machine.catch_up(cpu, address)
        steps = self._machine.steps(cpu, 1)
        self._machine.restore(before)
        return steps[0] if steps else None

    def finish(self) -> Verdict:
        """End the run here, if it has not ended: the checks that hold "at the end" of a whole scenario do not apply."""
        if self.verdict is None:
            if self._queue and self.moment >= self.max_steps:
                self._end(Verdict.OUT_OF_STEPS, f"the step budget of {self.max_steps} is used up")
            else:
                self._end(Verdict.OK, f"the schedule ended at moment {self.moment}, before the scenario did")
        assert self.verdict is not None
        return self.verdict

    def _pursue(self, token: AnyToken) -> Iterator[None]:
        """Do what a token asks; yields whenever there is no room for another step."""
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

    def _run_steps(self, token: RunSteps) -> Iterator[None]:
        left = token.steps
        while left and not self._over():
            made = self._run(token.cpu, min(left, self._room))
            left -= made
            if not made and left:
                self._stuck(token, f"still wants {left} steps")
            if not self._room:
                yield

    def _run_until_waits(self, cpu: int, token: AnyToken) -> Iterator[None]:
        while not self._over():
            made = self._run(cpu, self._room)
            if not made and all(not self._machine.can_step(other) for other in range(self.spec.cpus)):
                self._stuck(token, "every CPU waits")
            if not made or self._machine.waits(cpu):
                return
            if not self._room:
                yield

    def _run_until_event(self, token: RunUntilEvent) -> Iterator[None]:
        while not self._over():
            if not self._run(token.cpu, 1):
                self._stuck(token, f"{token.event} has not come")
            elif self._raised(token):
                return
            if not self._room:
                yield

    def _raised(self, token: RunUntilEvent) -> bool:
        """Whether the step just made raised the event. Most steps can't have raised any."""
        latest = self._machine.latest()
        if latest is not None and not latest.views and not self._lens.may_note(latest):
            return False
        last = self.moment - 1
        return any(
            event.name == token.event and event.cpu == token.cpu
            for event in takewhile(lambda event: event.moment == last, reversed(self.events))
        )

    def _run_until_symbol(self, token: RunUntilSymbol) -> Iterator[None]:
        while not self._over():
            if not self._run(token.cpu, self._room, token.address):
                self._stuck(token, f"{token.symbol} has not come")
            if self._machine.rip(token.cpu) == token.address:
                return
            if not self._room:
                yield

    def _run_to_end(self, cpu: int) -> Iterator[None]:
        others = [other for other in range(self.spec.cpus) if other != cpu]
        idle = IdleRounds(self._machine.stores)
        while not self._over():
            self._run(cpu, self._room)
            if self._machine.waits(cpu):
                for other in others:
                    yield from self._run_turn(other, _TURN_STEPS)
                self._look_for_standstill(idle)
            if not self._room:
                yield

    def _run_turn(self, cpu: int, steps: int) -> Iterator[None]:
        """Up to so many steps of a CPU, fewer where it waits."""
        while steps and not self._over():
            if not self._room:
                yield
            made = self._run(cpu, min(steps, self._room))
            steps -= made
            if not made or self._machine.waits(cpu):
                return

    def _round_robin(self, quantum: int) -> Iterator[None]:
        idle = IdleRounds(self._machine.stores)
        while not self._over():
            for cpu in range(self.spec.cpus):
                left = quantum
                while left and not self._over() and self._machine.can_step(cpu):
                    if not self._room:
                        yield
                    left -= self._run(cpu, min(left, self._room))
            self._look_for_standstill(idle)

    def _look_for_standstill(self, idle: IdleRounds) -> None:
        if self._over():
            return
        cpus = range(self.spec.cpus)
        waiting = all(map(self._machine.waits, cpus))
        idle_rounds = idle.another(waiting, self._machine.stores)
        if waiting and (idle_rounds >= IDLE_ROUNDS or not any(map(self._machine.can_step, cpus))):
            self._end(Verdict.STUCK, "every CPU waits, and nothing is coming for any of them")

    def _inject(self, token: Inject) -> None:
        self._canonical.add(token.text)
        self._injected.append((self.moment, token))
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

    def _run(self, cpu: int, limit: int, stop_at: int = NOWHERE) -> int:
        """Steps of one CPU, recorded and looked at; returns how many. Ends the run where it is over."""
        made = self._machine.run(cpu, limit, stop_at)
        self._room -= made
        if made:
            self._canonical.step(cpu, made)
        if self._machine.shutdown:
            self._end(Verdict.SHUTDOWN, f"CPU {cpu} shut down: a fault came while it was delivering a double fault")
        elif self._machine.rip(cpu) == self._scenario_end:
            self._end(Verdict.OK, "")
        return made

    def _settle(self) -> None:
        """Record what the machine has done, and look at it."""
        for block in self._machine.take():
            self._trace.extend(block)
            self._look_at(block)

    def _look_at(self, block: Block) -> None:
        done, cpus, views = 0, block.cpu.tolist(), deque(block.views)
        for row in self._lens.noteworthy(block):
            self._look_at_views(views, block, row)
            self._stay_in_lanes(cpus[done:row])
            self._events += self._lens.observe(block.step(row), self._trace.play(block.first + row + 1))
            self._lane_of.append(self._lane_id(self._lens.lane))
            self._findings += self._lens.take_findings()
            done = row + 1
        self._look_at_views(views, block, len(block))
        self._stay_in_lanes(cpus[done:])

    def _look_at_views(self, views: deque[View], block: Block, end: int) -> None:
        """Those that changed behind a step before `end`."""
        while views and views[0].step < end:
            self._events += self._lens.look_at_view(views.popleft(), block.first)

    def _stay_in_lanes(self, cpus: list[int]) -> None:
        """Steps of these CPUs, none of which changed what its CPU is doing."""
        if not cpus:
            return
        lanes = {cpu: self._lane_id(self._lens.lane_of_next(cpu)) for cpu in set(cpus)}
        self._lane_of.extend([lanes[cpu] for cpu in cpus] if len(lanes) > 1 else [lanes[cpus[0]]] * len(cpus))

    def _lane_id(self, lane: Lane) -> int:
        found = self._lane_ids.get(lane)
        if found is None:
            found = self._lane_ids[lane] = len(self._lanes)
            self._lanes.append(lane)
        return found

    def _stuck(self, token: AnyToken, what: str) -> None:
        self._end(Verdict.STUCK, f"“{token.text}” at position {token.position}: {what}, and its CPU is in HLT")

    def _end(self, verdict: Verdict, reason: str) -> None:
        complete = verdict is Verdict.OK and not reason
        trace = self.trace
        last = max(len(trace) - 1, 0)
        cpu = trace.step(last).cpu if len(trace) else 0
        shutdown = verdict is Verdict.SHUTDOWN
        self._findings += self._lens.finish(last, cpu, trace.head, complete=complete, shutdown=shutdown)
        self._findings += self._never_taken()
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
                yield Finding(max(min(moment, self.moment - 1), 0), "injections-taken", Severity.NOTE, cpu, detail)

    def _address(self, name: str) -> int | None:
        symbol = self.image.find(name)
        return None if symbol is None else symbol.address
