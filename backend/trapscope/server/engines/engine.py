"""A session's machine, wherever it runs: lost with its process, and made again from the input log.

Rebuilding feeds the inputs between the chunks between which they came, and compares each chunk with what
clients were sent, byte for byte: nobody's steps change under them.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from trapscope.server.engines.engine_process import EngineLost, EngineProcess, EngineUnfit, Reply
from trapscope.server.engines.pool import Pool
from trapscope.server.engines.step_log import LogChunk, StepLog
from trapscope.server.pipe import requests as ask
from trapscope.server.refusal import Refused, internal
from trapscope.store import InputLog
from trapscope.wire.problems import ProblemCode

log: Final = logging.getLogger(__name__)

#: A process that dies this often over one session without a step in between dies because of that session.
MAX_DEATHS: Final = 3


class Engine:
    """Answers requests about one session, through however many processes that takes. One request at a time."""

    def __init__(self, opening: ask.Open, pool: Pool, inputs: InputLog, steps: StepLog) -> None:
        self._opening = opening
        self._pool = pool
        self._inputs = inputs
        self._steps = steps
        self._process: EngineProcess | None = None
        self._opened: Reply | None = None
        self._deaths = 0
        self.on_rebuilding: Callable[[], None] = lambda: None
        """Called when a rebuild begins."""

    async def open(self) -> tuple[ask.Opened, bytes]:
        """Boot the machine; raises Refused where the choice is not possible. Answer and memory frame of moment 0."""
        while True:
            try:
                process, answer, parts = await self._pool.open(self._opening)
            except EngineLost as error:
                self._count_death(error)
                continue
            except EngineUnfit as error:
                raise Refused("not-ready", str(error), retry_after=5) from error
            match answer:
                case ask.Opened():
                    self._process, self._opened = process, (answer, parts)
                    return answer, parts[0]
                case _:
                    raise refusal(answer, "bad-input")

    async def ask(self, request: ask.Request) -> Reply:
        """The answer; raises Refused if the session kills every process that it is put into."""
        while True:
            try:
                process = self._process if self._process is not None and self._process.alive else await self._rebuild()
                answer, parts = await process.ask(request)
            except EngineLost as error:
                self._count_death(error)
                continue
            except EngineUnfit as error:
                raise Refused("session-failed", f"the session cannot be rebuilt: {error}") from error
            if isinstance(answer, ask.Advanced) and answer.count:
                self._deaths = 0
            return answer, parts

    async def close(self) -> None:
        """Forget the session."""
        process, self._process = self._process, None
        if process is not None:
            await self._pool.close(process, self._opening.session)

    async def _rebuild(self) -> EngineProcess:
        """The same machine again, as far as it was told; raises EngineLost if that kills the process too."""
        assert self._opened is not None
        if self._process is not None:
            await self._pool.close(self._process, self._opening.session)
            self._process = None
        self.on_rebuilding()
        process, *opened = await self._pool.open(self._opening)
        try:
            if tuple(opened) != self._opened:
                raise _diverged("the machine boots differently")
            await self._replay_inputs(process)
        except BaseException:
            await self._pool.close(process, self._opening.session)
            raise
        self._process = process
        return process

    async def _replay_inputs(self, process: EngineProcess) -> None:
        chunks = deque(self._steps.chunks)
        for fed, entry in enumerate(await self._inputs.read(self._opening.session)):
            while chunks and chunks[0].inputs <= fed:
                await self._replay(process, chunks.popleft())
            again: ask.Request = (
                ask.Drop(session=self._opening.session)
                if entry.schedule is None
                else ask.Feed(session=self._opening.session, schedule=entry.schedule)
            )
            answer, _ = await process.ask(again)
            if not isinstance(answer, ask.Done):
                raise _diverged(f"an input at moment {entry.at} is not taken again")
        for chunk in chunks:
            await self._replay(process, chunk)

    async def _replay(self, process: EngineProcess, chunk: LogChunk) -> None:
        answer, parts = await process.ask(ask.Advance(session=self._opening.session, limit=chunk.limit))
        if not isinstance(answer, ask.Advanced) or parts != (chunk.text.encode(), chunk.frame):
            raise _diverged(f"steps from moment {chunk.first} come out differently")

    def _count_death(self, error: EngineLost) -> None:
        self._deaths += 1
        log.warning("engine process lost under a session", extra={"deaths": self._deaths, "why": str(error)})
        if self._deaths >= MAX_DEATHS:
            raise Refused("session-failed", f"{self._deaths} engine processes in a row ended over this session")


def refusal(answer: ask.Answer, code: ProblemCode) -> Refused:
    """An answer that is not the one hoped for, as what the client is told."""
    match answer:
        case ask.Refused():
            return Refused(code, answer.detail, token=answer.token, position=answer.position)
        case ask.NotThere():
            return Refused("not-found", answer.detail)
        case ask.Failed():
            log.error("an engine process failed over a request", extra={"trace": answer.trace})
            return internal()
        case _:
            log.error("an engine process gave the wrong answer", extra={"answer": answer.outcome})
            return internal()


def _diverged(what: str) -> Refused:
    log.error("a session came out differently when it was rebuilt", extra={"what": what})
    return Refused("session-failed", f"the session could not be rebuilt: {what}")
