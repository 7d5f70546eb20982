"""The engine processes: a fixed number of places, each of which has a process again soon after it lost one.

A new session goes to the process with the fewest. A process that has had its share of sessions gets no more while
another is there, and is replaced when its last session has gone.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from trapscope.server.engines.engine_process import EngineLost, EngineProcess, EngineUnfit, Guest
from trapscope.server.metrics import Metrics
from trapscope.server.pipe import requests as asked
from trapscope.settings import Settings

log: Final = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS: Final = 0.2
_LONGEST_PAUSE_SECONDS: Final = 10.0
#: After so many processes of one place in a row did not start, those who wait are told so; it goes on trying.
_STARTS_UNTIL_TOLD: Final = 4


class Pool:
    """Starts with `start`, ends with `stop`. Everything in between waits for a process if there is none."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._processes: list[EngineProcess] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._changed = asyncio.Condition()
        self.unfit: str | None = None
        """Why no engine process can run here at all, once one said so."""

    def start(self, guest: Guest) -> None:
        """Begin to start the processes, without waiting for them."""
        self._keepers = [
            asyncio.create_task(self._keep(guest), name=f"keeper {place}") for place in range(self._settings.workers)
        ]

    async def stop(self) -> None:
        """End every process."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(process.stop() for process in list(self._processes)))

    @property
    def processes(self) -> tuple[EngineProcess, ...]:
        """Those that answer now."""
        return tuple(process for process in self._processes if process.alive)

    async def ready(self) -> EngineProcess:
        """The process with the fewest sessions, as soon as there is one; raises EngineUnfit if there never will be."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.processes or self.unfit is not None)
            if not self.processes:
                raise EngineUnfit(self.unfit or "no engine process can run here")
            return min(self.processes, key=lambda process: (self._is_worn(process), len(process.sessions)))

    async def changed(self) -> None:
        """Return when a process has come."""
        async with self._changed:
            await self._changed.wait()

    async def ask(self, request: asked.Request) -> tuple[asked.Answer, tuple[bytes, ...]]:
        """Ask any process something that needs no session; another one if the first is lost over it."""
        try:
            return await (await self.ready()).ask(request)
        except EngineLost:
            return await (await self.ready()).ask(request)

    async def open(self, request: asked.Open) -> tuple[EngineProcess, asked.Answer, tuple[bytes, ...]]:
        """Open a session in the process with the fewest; raises EngineLost if that dies over it."""
        process = await self.ready()
        process.sessions.add(request.session)
        process.opened += 1
        try:
            answer, parts = await process.ask(request)
        except BaseException:
            process.sessions.discard(request.session)
            raise
        if not isinstance(answer, asked.Opened):
            process.sessions.discard(request.session)
        return process, answer, parts

    async def close(self, process: EngineProcess, session: str) -> None:
        """Forget a session; a worn process without any is replaced."""
        process.sessions.discard(session)
        if not process.alive:
            return
        if self._is_worn(process) and not process.sessions:
            log.info("engine process retires", extra={"pid": process.pid, "sessions": process.opened})
            process.kill()
            return
        try:
            await process.ask(asked.Close(session=session))
        except EngineLost:
            log.info("engine process lost while closing a session", extra={"pid": process.pid})

    def _is_worn(self, process: EngineProcess) -> bool:
        return process.opened >= self._settings.worker_sessions

    async def _keep(self, guest: Guest) -> None:
        """Have a process in this place, for ever."""
        pause, failed = _FIRST_PAUSE_SECONDS, 0
        while True:
            try:
                process = await EngineProcess.start(
                    guest, self._settings.worker_memory_mib, self._settings.request_timeout_seconds
                )
            except EngineUnfit as error:
                log.error("no engine process can run here", extra={"why": str(error)})
                self.unfit = str(error)
                await self._announce()
                return
            except EngineLost as error:
                log.error("engine process did not start", extra={"why": str(error), "pause_seconds": pause})
                failed += 1
                if failed >= _STARTS_UNTIL_TOLD:
                    self.unfit = f"{failed} engine processes in a row did not start; the last: {error}"
                    await self._announce()
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
                continue
            pause, failed, self.unfit = _FIRST_PAUSE_SECONDS, 0, None
            self._processes.append(process)
            await self._announce()
            try:
                await process.died()
            finally:
                self._processes.remove(process)
                await process.stop()
            self._metrics.engine_deaths.inc()

    async def _announce(self) -> None:
        async with self._changed:
            self._changed.notify_all()
