"""All sessions of this server: who may have one, and when it ends.

Ids are unguessable and are all that is needed to get in, so they are never listed and never logged.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from trapscope.core.types import FetchModel, RunSpec
from trapscope.server.bucket import Bucket
from trapscope.server.engines.engine import Engine
from trapscope.server.engines.pool import Pool
from trapscope.server.engines.step_log import StepLog
from trapscope.server.metrics import Metrics
from trapscope.server.pipe import requests as ask
from trapscope.server.refusal import Refused
from trapscope.server.rooms.room import Room
from trapscope.settings import Settings
from trapscope.store import InputLog, SessionRecord
from trapscope.wire.rest import CreateSession

log: Final = logging.getLogger(__name__)

_ID_BYTES: Final = 16
_SWEEP_SECONDS: Final = 15
#: A session that nobody is connected to may make way for another of the same address after this: between its creation
#: and its first socket, and while a page is loaded again, it has nobody either.
_LEFT_SECONDS: Final = 10
_MAX_ADDRESSES: Final = 10_000


class Sessions:
    """Creates rooms, finds them, ends them."""

    def __init__(
        self,
        settings: Settings,
        pool: Pool,
        inputs: InputLog,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._inputs = inputs
        self._metrics = metrics
        self._clock = clock
        self._rooms: dict[str, Room] = {}
        self._address_of: dict[str, str] = {}
        self._creations: dict[str, Bucket] = {}

    async def create(self, wanted: CreateSession, address: str) -> Room:
        """A new session for somebody at `address`; raises Refused where that is not possible."""
        network = network_of(address)
        replaced = self._replaceable(wanted.replaces, network)
        if replaced is None:
            await self._make_way(network)
        self._refuse_too_many(network, spared=0 if replaced is None else 1)
        id_ = secrets.token_urlsafe(_ID_BYTES)
        self._address_of[id_] = network
        try:
            room = await self._open(id_, wanted)
        except BaseException:
            del self._address_of[id_]
            raise
        self._rooms[id_] = room
        if replaced is not None and replaced in self._rooms:
            await self.delete(replaced, "replaced")
        self._metrics.sessions_created.inc()
        self._measure()
        log.info("session created", extra={"session": fingerprint(id_), "scenario": room.choice.scenario})
        return room

    def get(self, id_: str) -> Room:
        """The room; raises Refused where there is none."""
        room = self._rooms.get(id_)
        if room is None:
            raise Refused("unknown-session", "no session of this id: it was deleted, has expired, or never was")
        return room

    async def delete(self, id_: str, why: str = "deleted") -> None:
        """End a session for everybody who is connected; raises Refused where there is none."""
        room = self.get(id_)
        del self._rooms[id_], self._address_of[id_]
        self._metrics.sessions_ended.labels(why).inc()
        log.info("session ended", extra={"session": fingerprint(id_), "why": why})
        await room.close(Refused("unknown-session", f"the session was {why}"))
        self._measure()

    async def sweep(self) -> None:
        """End what nobody uses any more."""
        now = self._clock()
        for id_, room in list(self._rooms.items()):
            idle = not room.clients and now - room.used_at >= self._settings.idle_expiry_seconds
            if idle or now - room.driven_at >= self._settings.max_age_seconds:
                await self.delete(id_, "expired")
        self._measure()

    async def keep_sweeping(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            await self.sweep()

    async def make_room(self) -> None:
        """Before more is recorded: end unused sessions where the logs are too big; raises Refused if all are used."""
        while self._log_bytes() >= self._settings.max_log_bytes:
            unused = [(room.used_at, id_) for id_, room in self._rooms.items() if not room.clients]
            if not unused:
                raise Refused("server-full", "the server has no memory left for more steps", retry_after=60)
            await self.delete(min(unused)[1], "evicted")

    async def close(self) -> None:
        """The server goes down."""
        for id_ in list(self._rooms):
            await self.delete(id_, "ended with the server")

    async def _open(self, id_: str, wanted: CreateSession) -> Room:
        await self.make_room()
        most = self._settings.max_steps
        max_steps = most if wanted.max_steps is None else wanted.max_steps
        if max_steps > most:
            detail = f"max_steps is {max_steps:,}, and a run on this server has at most {most:,}"
            raise Refused("over-limit", detail, asked=max_steps, limit=most)
        steps = StepLog()
        opening = ask.Open(
            session=id_,
            scenario=wanted.scenario,
            design=wanted.design,
            variants=list(wanted.variants),
            fetch=wanted.fetch,
            cpus=wanted.cpus,
            max_steps=max_steps,
        )
        engine = Engine(opening, self._pool, self._inputs, steps)
        opened, memory_frame = await engine.open()
        choice = opened.choice
        spec = RunSpec(choice.scenario, choice.design, tuple(choice.variants), FetchModel(choice.fetch), choice.cpus)
        await self._inputs.create(SessionRecord(id_, spec, max_steps))
        return Room(id_, opened, memory_frame, engine, steps, self._inputs, self._settings, self._metrics, self._clock)

    def _replaceable(self, id_: str | None, network: str) -> str | None:
        """That session, if it is of the same address and nobody else looks at it."""
        room = None if id_ is None else self._rooms.get(id_)
        if id_ is None or room is None or self._address_of[id_] != network or len(room.clients) > 1:
            return None
        return id_

    async def _make_way(self, network: str) -> None:
        """Where an address has as many sessions as it may, end the one that was left longest ago, if one was."""
        mine = [id_ for id_, whose in self._address_of.items() if whose == network and id_ in self._rooms]
        if len(mine) < self._settings.max_sessions_per_address:
            return
        left_before = self._clock() - _LEFT_SECONDS
        left = [(self._rooms[id_].used_at, id_) for id_ in mine if not self._rooms[id_].clients]
        if left and min(left)[0] <= left_before:
            await self.delete(min(left)[1], "evicted")

    def _refuse_too_many(self, network: str, spared: int) -> None:
        """`spared`: how many of those that there are will make room."""
        settings = self._settings
        if len(self._address_of) - spared >= settings.max_sessions:
            raise Refused("server-full", f"the server holds {settings.max_sessions} sessions already", retry_after=60)
        if Counter(self._address_of.values())[network] - spared >= settings.max_sessions_per_address:
            detail = (
                f"{settings.max_sessions_per_address} sessions came from your address; close one of its pages, or wait"
            )
            raise Refused("address-full", detail, retry_after=settings.idle_expiry_seconds)
        if len(self._creations) >= _MAX_ADDRESSES:
            self._creations = {who: bucket for who, bucket in self._creations.items() if not bucket.is_full}
        per_minute = settings.max_creations_per_minute
        bucket = self._creations.setdefault(network, Bucket(per_minute / 60, per_minute, self._clock))
        if not bucket.take():
            raise Refused("address-full", f"more than {per_minute} sessions a minute from your address", retry_after=60)

    def _log_bytes(self) -> int:
        return sum(room.log.bytes for room in self._rooms.values())

    def _measure(self) -> None:
        self._metrics.sessions.set(len(self._rooms))
        clients = [client for room in self._rooms.values() for client in room.clients.values()]
        self._metrics.clients.set(len(clients))
        self._metrics.slowest.set(max((client.behind for client in clients), default=0))
        self._metrics.log_bytes.set(self._log_bytes())
        self._metrics.engines.set(len(self._pool.processes))

    @property
    def measured(self) -> Metrics:
        """The metrics, with this moment's figures."""
        self._measure()
        return self._metrics


def fingerprint(id_: str) -> str:
    """What the log calls a session: enough to find it again, not enough to enter it."""
    return hashlib.sha256(id_.encode()).hexdigest()[:12]


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or a /64 of IPv6, which one household has at least."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
