"""The schedule: the only input that a run has besides its spec, as a short string that people edit.

    0*120 1*3 nmi@0 0*20 irq@0 1* (0*1 1*1)*50 fetch@0+1 0>int3 0>&ftrace_regs_caller 0>.

`parse` gives tokens with their positions, what repeats written out. What really happened is in canonical.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from trapscope.core.errors import BadSchedule

SITE_BYTES: Final = 5
MAX_LENGTH: Final = 65_536
#: So many tokens a schedule has at most, repetitions written out: one a step of the longest run that is asked for.
MAX_TOKENS: Final = 200_000
_MAX_COUNT: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Token:
    """What every token has: how it was typed, and where (0-based offset)."""

    text: str
    position: int


@dataclass(frozen=True, slots=True)
class RunSteps(Token):
    """`K*N`, `K`: CPU K runs N steps."""

    cpu: int
    steps: int


@dataclass(frozen=True, slots=True)
class RunUntilWaits(Token):
    """`K*`: CPU K runs until it executes HLT or PAUSE."""

    cpu: int


@dataclass(frozen=True, slots=True)
class RunUntilEvent(Token):
    """`K>EVENT`: CPU K runs up to and including the step that raises the event on it."""

    cpu: int
    event: str


@dataclass(frozen=True, slots=True)
class RunUntilSymbol(Token):
    """`K>&SYMBOL`: CPU K runs, at least one step, until it is about to execute the symbol's address."""

    cpu: int
    symbol: str
    address: int


@dataclass(frozen=True, slots=True)
class RunToEnd(Token):
    """`K>.`: CPU K runs until the scenario ends; the others step only while K waits."""

    cpu: int


@dataclass(frozen=True, slots=True)
class Inject(Token):
    """`irq@K`, `nmi@K`, `mce@K`: raise it at CPU K now."""

    what: str
    cpu: int


@dataclass(frozen=True, slots=True)
class Fetch(Token):
    """`fetch@K`: CPU K's fetch sees the newest text; `+B`: only byte B of the stale site nearest at or after its RIP,
    or of the site `&SYM`, whose address is then `site`."""

    cpu: int
    site: int | None
    byte: int | None


@dataclass(frozen=True, slots=True)
class RoundRobin(Token):
    """`rr*Q`: from here on every CPU in turn, Q steps each, until the scenario ends."""

    quantum: int


AnyToken = RunSteps | RunUntilWaits | RunUntilEvent | RunUntilSymbol | RunToEnd | Inject | Fetch | RoundRobin

FORMS: Final = (
    "K*N, K, K*, K>EVENT, K>&SYMBOL, K>., irq@K, nmi@K, mce@K, fetch@K, fetch@K+B, fetch@K&SYM+B, rr*Q, (TOKENS)*N"
)

_STEPS: Final = re.compile(r"(\d+)(?:\*(\d+))?", re.ASCII)
_WAITS: Final = re.compile(r"(\d+)\*", re.ASCII)
_END: Final = re.compile(r"(\d+)>\.", re.ASCII)
_SYMBOL: Final = re.compile(r"(\d+)>&([A-Za-z_.][\w.]*)", re.ASCII)
_EVENT: Final = re.compile(r"(\d+)>([a-z][a-z0-9-]*)", re.ASCII)
_INJECT: Final = re.compile(r"(irq|nmi|mce)@(\d+)", re.ASCII)
_FETCH: Final = re.compile(r"fetch@(\d+)(?:(?:&([A-Za-z_.][\w.]*))?\+(\d+))?", re.ASCII)
_ROBIN: Final = re.compile(r"rr\*(\d+)", re.ASCII)
_PIECES: Final = re.compile(r"\(([^()]*)\)\*(\d+)(?!\S)|\S+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Names:
    """What a schedule may refer to in one run. `address` gives a symbol's, or None where there is no such symbol."""

    cpus: int
    events: Collection[str]
    address: Callable[[str], int | None]
    weak_fetch: bool = False


def parse(schedule: str, names: Names) -> tuple[AnyToken, ...]:
    """The tokens of a schedule; raises BadSchedule, which names the token and its position."""
    if len(schedule) > MAX_LENGTH:
        raise BadSchedule(f"the schedule is longer than {MAX_LENGTH} characters", schedule[:16] + "…", MAX_LENGTH)
    tokens: list[AnyToken] = []
    for match in _PIECES.finditer(schedule):
        if match[1] is None:
            tokens.append(_token(match.group(), match.start(), names))
        else:
            tokens += _repeated(match, names) * _times(match)
        if len(tokens) > MAX_TOKENS:
            raise BadSchedule(
                f"with its repetitions written out the schedule has more than {MAX_TOKENS} tokens",
                _shortened(match.group()),
                match.start(),
            )
    return tuple(tokens)


def _repeated(match: re.Match[str], names: Names) -> list[AnyToken]:
    """The tokens between the parentheses, once."""
    inside = match.start(1)
    tokens = [_token(each.group(), inside + each.start(), names) for each in re.finditer(r"\S+", match[1])]
    if not tokens:
        raise BadSchedule("there is nothing between the parentheses", match.group(), match.start())
    return tokens


def _times(match: re.Match[str]) -> int:
    if len(match[2]) > 9 or not 1 <= int(match[2]) <= MAX_TOKENS:
        raise BadSchedule(f"a piece is repeated 1 to {MAX_TOKENS} times", _shortened(match.group()), match.start())
    return int(match[2])


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:24]}…{text[-12:]}"


def _token(text: str, position: int, names: Names) -> AnyToken:
    def cpu(digits: str) -> int:
        if len(digits) > 2 or int(digits) >= names.cpus:
            have = "only CPU 0" if names.cpus == 1 else f"CPUs 0 to {names.cpus - 1}"
            raise BadSchedule(f"there is no CPU {digits}; this run has {have}", text, position)
        return int(digits)

    def count(digits: str, what: str) -> int:
        if len(digits) > 9 or not 1 <= int(digits) <= _MAX_COUNT:
            raise BadSchedule(f"{what} is a number from 1 to {_MAX_COUNT}", text, position)
        return int(digits)

    def address(symbol: str) -> int:
        found = names.address(symbol)
        if found is None:
            raise BadSchedule(f"the guest has no symbol {symbol}", text, position)
        return found

    if match := _STEPS.fullmatch(text):
        return RunSteps(text, position, cpu(match[1]), count(match[2] or "1", "N, the number of steps,"))
    if match := _WAITS.fullmatch(text):
        return RunUntilWaits(text, position, cpu(match[1]))
    if match := _END.fullmatch(text):
        return RunToEnd(text, position, cpu(match[1]))
    if match := _SYMBOL.fullmatch(text):
        return RunUntilSymbol(text, position, cpu(match[1]), match[2], address(match[2]))
    if match := _EVENT.fullmatch(text):
        if match[2] not in names.events:
            known = ", ".join(sorted(names.events))
            raise BadSchedule(f"there is no event {match[2]}; there are {known}", text, position)
        return RunUntilEvent(text, position, cpu(match[1]), match[2])
    if match := _INJECT.fullmatch(text):
        return Inject(text, position, match[1], cpu(match[2]))
    if match := _FETCH.fullmatch(text):
        if not names.weak_fetch:
            raise BadSchedule("fetch tokens need the weak fetch model; this run's is coherent", text, position)
        if match[3] is not None and (len(match[3]) > 1 or int(match[3]) >= SITE_BYTES):
            raise BadSchedule(f"a site has bytes 0 to {SITE_BYTES - 1}", text, position)
        byte = None if match[3] is None else int(match[3])
        return Fetch(text, position, cpu(match[1]), None if match[2] is None else address(match[2]), byte)
    if match := _ROBIN.fullmatch(text):
        return RoundRobin(text, position, count(match[1], "Q, the quantum in steps,"))
    raise BadSchedule(f"not a schedule token; the forms are {FORMS}", text, position)
