"""Playing a schedule: what each of its tokens makes a machine do, step by step, and how a run ends by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import Final, assert_never

from trapscope.core.lens import Finding
from trapscope.core.lens.checks import faults
from trapscope.core.machine import NOWHERE, Machine
from trapscope.core.session.account import Account
from trapscope.core.session.canonical import Canonical
from trapscope.core.session.schedule import (
    SITE_BYTES,
    AnyToken,
    Fetch,
    Inject,
    RoundRobin,
    RunSteps,
    RunToEnd,
    RunUntilEvent,
    RunUntilSymbol,
    RunUntilWaits,
)
from trapscope.core.session.standstill import IDLE_ROUNDS, IdleRounds
from trapscope.core.types import RIP, Severity, Verdict

#: While the CPU of `K>.` waits, another runs until it waits too, at most this many steps.
_TURN_STEPS: Final = 64


class Player:
    """Plays tokens on a machine, as far as there is room; asks the account what steps meant where a token needs it."""

    def __init__(self, machine: Machine, account: Account, end_address: int) -> None:
        """`end_address`: the scenario ends when a CPU is about to execute it."""
        self._machine, self._account, self._end_address = machine, account, end_address
        self.room = 0
        """How many steps may still be made."""
        self.canonical = Canonical()
        """What has happened."""
        self.outcome: tuple[Verdict, str] | None = None
        """How the run ended, and one sentence on why where the verdict alone does not say it."""
        self.injections: list[tuple[int, Inject]] = []
        """What was raised at which moment, in order; what was pending already is not in it."""

    def over(self) -> bool:
        """Whether the run has ended."""
        return self.outcome is not None

    def end(self, verdict: Verdict, reason: str) -> None:
        """The run is over; what ended it first counts."""
        if self.outcome is None:
            self.outcome = verdict, reason

    def play(self, token: AnyToken) -> Iterator[None]:
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

    def never_taken(self) -> Iterator[Finding]:
        """The last injection of each kind at each CPU, where it is still pending at the end."""
        last = {(token.what, token.cpu): (moment, token) for moment, token in self.injections}
        for (what, cpu), (moment, token) in last.items():
            if what in self._machine.pending(cpu):
                detail = f"The schedule’s “{token.text}” at position {token.position} was never taken by CPU {cpu}"
                yield Finding(
                    max(min(moment, self._machine.moment - 1), 0), "injections-taken", Severity.NOTE, cpu, detail
                )

    def _run_steps(self, token: RunSteps) -> Iterator[None]:
        left = token.steps
        while left and not self.over():
            made = self.run(token.cpu, min(left, self.room))
            left -= made
            if not made and left:
                self._stuck(token, f"still wants {left} steps")
            if not self.room:
                yield

    def _run_until_waits(self, cpu: int, token: AnyToken) -> Iterator[None]:
        while not self.over():
            made = self.run(cpu, self.room)
            if not made and all(not self._machine.can_step(other) for other in range(self._machine.cpus)):
                self._stuck(token, "every CPU waits")
            if not made or self._machine.waits(cpu):
                return
            if not self.room:
                yield

    def _run_until_event(self, token: RunUntilEvent) -> Iterator[None]:
        while not self.over():
            if not self.run(token.cpu, 1):
                self._stuck(token, f"{token.event} has not come")
            elif self._raised(token):
                return
            if not self.room:
                yield

    def _raised(self, token: RunUntilEvent) -> bool:
        """Whether the step just made raised the event. Most steps can't have raised any."""
        latest = self._machine.latest()
        if latest is not None and not latest.views and not self._account.lens.may_note(latest):
            return False
        self._account.settle()
        last = self._machine.moment - 1
        return any(
            event.name == token.event and event.cpu == token.cpu
            for event in takewhile(lambda event: event.moment == last, reversed(self._account.events))
        )

    def _run_until_symbol(self, token: RunUntilSymbol) -> Iterator[None]:
        while not self.over():
            if not self.run(token.cpu, self.room, token.address):
                self._stuck(token, f"{token.symbol} has not come")
            if self._machine.rip(token.cpu) == token.address:
                return
            if not self.room:
                yield

    def _run_to_end(self, cpu: int) -> Iterator[None]:
        others = [other for other in range(self._machine.cpus) if other != cpu]
        idle = IdleRounds(self._machine.stores)
        while not self.over():
            self.run(cpu, self.room)
            if self._machine.waits(cpu):
                for other in others:
                    yield from self._run_turn(other, _TURN_STEPS)
                self._look_for_standstill(idle)
            if not self.room:
                yield

    def _run_turn(self, cpu: int, steps: int) -> Iterator[None]:
        """Up to so many steps of a CPU, fewer where it waits."""
        while steps and not self.over():
            if not self.room:
                yield
            made = self.run(cpu, min(steps, self.room))
            steps -= made
            if not made or self._machine.waits(cpu):
                return

    def _round_robin(self, quantum: int) -> Iterator[None]:
        idle = IdleRounds(self._machine.stores)
        while not self.over():
            for cpu in range(self._machine.cpus):
                left = quantum
                while left and not self.over() and self._machine.can_step(cpu):
                    if not self.room:
                        yield
                    left -= self.run(cpu, min(left, self.room))
            self._look_for_standstill(idle)

    def _look_for_standstill(self, idle: IdleRounds) -> None:
        if self.over():
            return
        cpus = range(self._machine.cpus)
        waiting = all(map(self._machine.waits, cpus))
        idle_rounds = idle.another(waiting, self._machine.stores)
        if waiting and (idle_rounds >= IDLE_ROUNDS or not any(map(self._machine.can_step, cpus))):
            self.end(Verdict.STUCK, "every CPU waits, and nothing is coming for any of them")

    def left_over(self, tokens: Iterable[AnyToken]) -> None:
        """The run is over and these were not played: what they raise stays pending, and is part of what was asked."""
        for token in tokens:
            if isinstance(token, Inject):
                self._inject(token)

    def _inject(self, token: Inject) -> None:
        """Raise it. What is pending already is latched once (SDM vol. 3A, 6.7.1 and 10.8.4): nothing happens then."""
        if not self._machine.inject(token.cpu, token.what):
            return
        self.canonical.add(token.text)
        self.injections.append((self._machine.moment, token))

    def _fetch(self, token: Fetch) -> None:
        self.canonical.add(token.text)
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
            for site in self._account.lens.sites
            if site + SITE_BYTES > rip and any(site + byte in stale for byte in range(SITE_BYTES))
        ]
        return min(ahead, default=None)

    def run(self, cpu: int, limit: int, stop_at: int = NOWHERE) -> int:
        """Up to `limit` steps of one CPU; returns how many. Ends the run where it is over."""
        made = self._machine.run(cpu, limit, stop_at)
        self.room -= made
        if made:
            self.canonical.step(cpu, made)
        if self._machine.shutdown is not None:
            self.end(Verdict.SHUTDOWN, faults.shut_down(self._machine.shutdown))
        elif self._machine.rip(cpu) == self._end_address:
            self.end(Verdict.OK, "")
        return made

    def _stuck(self, token: AnyToken, what: str) -> None:
        self.end(Verdict.STUCK, f"“{token.text}” at position {token.position}: {what}, and its CPU is in HLT")
