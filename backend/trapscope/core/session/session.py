"""One run: a machine, what is asked of it, and everything that came of it so far.

Commands in (`feed`, `advance`, `cancel`, `finish`), facts out (`trace`, `events`, `findings`, `lanes`, `verdict`).
Steps are looked at in blocks, at the latest when somebody asks for a fact: ask for each anew after a command.
The same image, spec and schedule give the same trace hash anywhere.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

from trapscope.core.image import Image
from trapscope.core.lens import EVENT_NAMES, Event, Finding, Lane
from trapscope.core.machine import Held, Machine
from trapscope.core.session.account import Account
from trapscope.core.session.ending import Ending, ending_of
from trapscope.core.session.params import booted
from trapscope.core.session.player import Player
from trapscope.core.session.schedule import MAX_LENGTH, AnyToken, Inject, Names, parse
from trapscope.core.telling import Told
from trapscope.core.trace import Memory, State, Trace
from trapscope.core.types import DEFAULT_MAX_STEPS, FetchModel, RunSpec, Severity, Step, Verdict

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
        self._account = Account(image, spec, self._machine, self.state0)
        self.verdict: Verdict | None = None
        self.ending: Ending | None = None
        """How it ended and why, once it has."""
        self.reason = ""
        """One sentence on why the run ended, where the verdict alone does not say it."""
        self._player = Player(self._machine, self._account, image.symbol("scenario_end").address)
        self._queue: deque[AnyToken] = deque()
        self._work: Iterator[None] | None = None
        self._names = Names(spec.cpus, EVENT_NAMES, self._address, spec.fetch is FetchModel.WEAK)

    @property
    def trace(self) -> Trace:
        """Every step so far."""
        return self._settled().trace

    @property
    def events(self) -> list[Event]:
        """What the steps meant."""
        return self._settled().events

    @property
    def told(self) -> list[Told]:
        """What each event is told by, in the events' order."""
        return self._settled().told

    @property
    def findings(self) -> list[Finding]:
        """What the checks found."""
        return self._settled().findings

    @property
    def lanes(self) -> list[Lane]:
        """Every (context, trap, task) that a step had, in the order of first appearance."""
        return self._settled().lanes

    @property
    def lane_of(self) -> array[int]:
        """Per step, the index into `lanes`."""
        return self._settled().lane_of

    @property
    def held(self) -> list[Held]:
        """What the CPUs held back, as changes in the order of time: a CPU without an entry yet holds nothing back."""
        return self._settled().held

    @property
    def injections(self) -> list[tuple[int, Inject]]:
        """What the schedule raised at which moment, in order; what was pending already is not in it."""
        return self._player.injections

    @property
    def moment(self) -> int:
        """How many steps there have been; cheaper than to look at them."""
        return self._machine.moment

    @property
    def schedule(self) -> str:
        """The canonical schedule of what has happened so far."""
        return str(self._player.canonical)

    @property
    def is_named(self) -> bool:
        """Whether `schedule` is short enough for `feed`; a run for which it is not can't be given again by it."""
        return len(self._player.canonical) <= MAX_LENGTH

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
        start = now = self.moment
        while self.pending and now - start < limit:
            self._player.room = min(limit - (now - start), self._budget(now))
            if not self._player.room:
                break
            if self._work is None:
                self._work = self._player.play(self._queue[0])
            if next(self._work, _DONE) is _DONE:
                self._work = None
                self._queue.popleft()
            self._conclude()
            now = self.moment
        return now - start

    def turn(self, cpu: int, limit: int) -> int:
        """Let one CPU make up to `limit` steps now, past the queue; returns how many (fewer where it sleeps in HLT)."""
        made = 0
        while made < limit and self.verdict is None:
            self._player.room = min(limit - made, self._budget(self.moment))
            if not self._player.room:
                break
            now = self._player.run(cpu, self._player.room)
            self._conclude()
            if not now:
                break
            made += now
        return made

    def _settled(self) -> Account:
        """The account, with everything in it."""
        self._account.settle()
        return self._account

    def _budget(self, moment: int) -> int:
        """How many steps are left at a moment; ends the run if there are none."""
        left = self.max_steps - moment
        if not left:
            self._end(Verdict.OUT_OF_STEPS, f"the step budget of {self.max_steps} is used up")
        return left

    def stale(self, cpu: int) -> dict[int, int]:
        """The bytes of text, by address, that the CPU would decode instead of what memory holds (weak model)."""
        return self._machine.stale(cpu)

    def would_step(self, cpu: int, refreshed: Iterable[int]) -> Step | None:
        """The step that the CPU would make if its fetch saw the newest bytes at these addresses. Nothing changes."""
        self._settled()
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

    def _conclude(self) -> None:
        """If the run has just ended, look at what must hold at its end, and say how it ended."""
        if self._player.outcome is None or self.verdict is not None:
            return
        verdict, self.reason = self._player.outcome
        self._player.left_over(self._queue)
        complete = verdict is Verdict.OK and not self.reason
        self._account.finish(complete=complete)
        self._account.findings += self._player.never_taken()
        violated = any(finding.severity is Severity.VIOLATION for finding in self._account.findings)
        self.verdict = Verdict.VIOLATED if violated and verdict is Verdict.OK else verdict
        account = self._account
        self.ending = ending_of(
            self.image, account.trace, account.findings, self.verdict, whole=complete, shutdown=self._machine.shutdown
        )
        self.cancel()

    def _end(self, verdict: Verdict, reason: str) -> None:
        self._player.end(verdict, reason)
        self._conclude()

    def _address(self, name: str) -> int | None:
        symbol = self.image.find(name)
        return None if symbol is None else symbol.address
