"""Ways to choose whose step comes next when no schedule is given: to the end, round-robin, or at random from a seed.

Whatever the policy, the run's canonical schedule says what was chosen and reproduces it.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Final, assert_never

from trapscope.core.errors import BadInput
from trapscope.core.session import Session

_LONGEST_TURN_STEPS: Final = 40
_PIECE_STEPS: Final = 4096


@dataclass(frozen=True, slots=True)
class ToEnd:
    """CPU 0 runs until the scenario ends; the others step while it waits."""

    def __str__(self) -> str:
        return "end"


@dataclass(frozen=True, slots=True)
class RoundRobin:
    """Every CPU in turn, `quantum` steps each."""

    quantum: int

    def __str__(self) -> str:
        return f"rr:{self.quantum}"


@dataclass(frozen=True, slots=True)
class Random:
    """Turns of 1 to 40 steps of a CPU drawn by a generator that starts at `seed`."""

    seed: int

    def __str__(self) -> str:
        return f"random:{self.seed}"


Policy = ToEnd | RoundRobin | Random
FORMS: Final = "end, rr:QUANTUM, random:SEED"


def parse(text: str) -> Policy:
    """A policy by name; raises BadInput."""
    if text == "end":
        return ToEnd()
    if match := re.fullmatch(r"rr:([1-9]\d{0,5})", text, re.ASCII):
        return RoundRobin(int(match[1]))
    if match := re.fullmatch(r"random:(\d{1,18})", text, re.ASCII):
        return Random(int(match[1]))
    raise BadInput(f"there is no policy “{text}”; there are {FORMS}")


def drive(session: Session, policy: Policy) -> None:
    """Run the session to its verdict under a policy."""
    if isinstance(policy, Random):
        _drive_at_random(session, random.Random(policy.seed))
        return
    if isinstance(policy, ToEnd):
        session.feed("0>.")
    elif isinstance(policy, RoundRobin):
        session.feed(f"rr*{policy.quantum}")
    else:
        assert_never(policy)
    run_out(session)


def run_out(session: Session) -> None:
    """Do all that is queued."""
    while session.advance(_PIECE_STEPS):
        pass


def _drive_at_random(session: Session, draw: random.Random) -> None:
    while session.verdict is None:
        if session.ready:
            session.turn(draw.choice(session.ready), draw.randint(1, _LONGEST_TURN_STEPS))
        else:
            session.feed("0>.")  # finds, and says, that nothing can happen any more
            run_out(session)
