"""Back from a value through the steps that produced it: what each took, from where, across CPUs, as far as one asks.

The main line comes first: from each value to the first of its sources. What room is left goes to the others, those
first that are led to through the fewest addresses. Two steps that took the same value of the same place share a link.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from heapq import heappop, heappush
from typing import NamedTuple

from trapscope.core.image.flow import Constant, Role, Untracked
from trapscope.core.why.place import Place
from trapscope.core.why.producers import Producers, Sight, Taken


class EndCode(StrEnum):
    """Why a link leads no further."""

    START = "start"
    CONSTANT = "constant"
    DEVICE = "device"
    UNTRACKED = "untracked"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class End:
    """`words` says it for people."""

    code: EndCode
    words: str


class Source(NamedTuple):
    """Another link of the chain, and what its value was for."""

    role: Role
    link: int


@dataclass(slots=True)
class Link:
    """A value and what produced it. `moment` is the first at which it was there; of link 0, the one asked about.

    `value` are the place's bytes in memory's order (of a register, its bits shifted down). `step` is None where
    nothing in the run did, or several steps did: then each source is a part of the value.
    """

    number: int
    place: Place
    moment: int
    value: bytes
    step: int | None
    end: End | None = None
    sources: list[Source] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Chain:
    """`links[n].number` is n; 0 is what was asked. `path` is the main line, each a source of the one before."""

    links: tuple[Link, ...]
    path: tuple[int, ...]

    @property
    def limited(self) -> bool:
        """Whether there is more than was asked for."""
        return any(link.end is not None and link.end.code is EndCode.LIMIT for link in self.links)


class Tracing:
    """Makes one chain of at most `limit` links."""

    def __init__(self, producers: Producers, limit: int) -> None:
        self._producers, self._limit = producers, limit
        self._links: list[Link] = []
        self._sights: list[Sight] = []
        self._known: dict[object, int] = {}
        self._followed: set[int] = set()

    def chain(self, place: Place, moment: int) -> Chain:
        """Back from what the place holds at the moment. Raises ValueError for bytes outside RAM."""
        self._link(self._producers.sight(place, moment))
        path = [0]
        while (following := self._main_source(path[-1])) is not None:
            path.append(following)
        self._follow_others()
        return Chain(tuple(self._links), tuple(path))

    def _follow_others(self) -> None:
        """Every link that can be reached, those through fewer addresses first."""
        waiting = [(0, 0)]
        seen: set[int] = set()
        while waiting:
            addresses, number = heappop(waiting)
            if number not in seen:
                seen.add(number)
                self._follow(number)
                for role, source in self._links[number].sources:
                    heappush(waiting, (addresses + (role is Role.ADDRESS), source))

    def _main_source(self, number: int) -> int | None:
        """Where the main line goes on; a link that only addresses lead to has an end."""
        self._follow(number)
        link = self._links[number]
        return None if link.end is not None else link.sources[0].link

    def _link(self, sight: Sight) -> int:
        """The number of the link that shows this; a new one if need be."""
        known = self._known.get(sight.key)
        if known is not None:
            return known
        number = self._known[sight.key] = len(self._links)
        (_, origin), *others = sight.pieces
        step = None if others or origin is None else origin.step
        moment = sight.moment if number == 0 else sight.made
        self._links.append(Link(number, sight.place, moment, sight.value, step))
        self._sights.append(sight)
        return number

    def _follow(self, number: int) -> None:
        """Find the link's sources, once; where there is no room for them, say so."""
        if number in self._followed:
            return
        self._followed.add(number)
        link, sight = self._links[number], self._sights[number]
        (place, origin), *others = sight.pieces
        if others:
            self._take(
                link, [(Role.PART, part) for part in sorted(sight.parts(), key=lambda part: part.made, reverse=True)]
            )
        elif origin is None:
            link.end = End(EndCode.START, "as it was at moment 0: no step of this run wrote it")
        else:
            self._take(link, self._producers.taken(place, origin))

    def _take(self, link: Link, taken: list[Taken]) -> None:
        found = [(role, what) for role, what in taken if isinstance(what, Sight)]
        new = {sight.key for _, sight in found if sight.key not in self._known}
        if len(self._links) + len(new) > self._limit:
            link.end = End(EndCode.LIMIT, f"followed no further: {self._limit} links were asked for")
            return
        link.sources += dict.fromkeys(Source(role, self._link(sight)) for role, sight in found)
        if all(role is Role.ADDRESS for role, _ in found):
            link.end = self._dead_end(link, [what for _, what in taken if not isinstance(what, Sight)])

    def _dead_end(self, link: Link, ends: list[Constant | Untracked]) -> End:
        for end in ends:
            if isinstance(end, Untracked):
                if end.device:
                    return End(EndCode.DEVICE, f"{end.what} answered")
                return End(EndCode.UNTRACKED, f"it came from {end.what}, which the trace does not record")
        assert link.step is not None
        delivers = self._producers.index.columns.vector[link.step] >= 0
        return End(EndCode.CONSTANT, f"the {'delivery' if delivers else 'instruction'} itself says it")
