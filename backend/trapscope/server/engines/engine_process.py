"""One engine process as the server sees it: ask, and get the answer or learn that the process is gone.

Requests are answered in order, so several may be under way. Whatever goes wrong with the process, its death included,
reaches every asker as `EngineLost`; a session then goes on in another process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from collections import deque
from dataclasses import dataclass
from typing import Final, Self

from pydantic import ValidationError

from trapscope.server.pipe import requests as ask
from trapscope.server.pipe.message import BrokenPipe, Message, receive_message

log: Final = logging.getLogger(__name__)

_READ_BUFFER_BYTES: Final = 1 << 20
_START_SECONDS: Final = 60
_END_SECONDS: Final = 2

Reply = tuple[ask.Answer, tuple[bytes, ...]]


class EngineLost(Exception):
    """The engine process died, hung, or said something that is no answer."""


class EngineUnfit(Exception):
    """The engine process cannot run here at all; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Guest:
    """What every engine process of a server runs, read once, so that a new build changes nothing in a running one."""

    elf: bytes
    sources: dict[str, str]


class EngineProcess:
    """A running, greeted process."""

    def __init__(self, process: asyncio.subprocess.Process, greeting: ask.Ready, patience_seconds: float) -> None:
        self.greeting = greeting
        self.sessions: set[str] = set()
        self.opened = 0
        self._process = process
        self._patience = patience_seconds
        self._killed = False
        self._waiting: deque[asyncio.Future[Reply]] = deque()
        self._reader = asyncio.create_task(self._read(), name=f"engine {process.pid}")

    @classmethod
    async def start(cls, guest: Guest, memory_mib: int, patience_seconds: float) -> Self:
        """Start one; raises EngineUnfit if it says that it cannot run here, EngineLost if it just dies."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "trapscope.server.worker", str(memory_mib),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            limit=_READ_BUFFER_BYTES, start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            async with asyncio.timeout(_START_SECONDS):
                parts = (guest.elf, json.dumps(list(guest.sources.values())).encode())
                process.stdin.write(Message(ask.Begin(sources=list(guest.sources)).model_dump(), parts).encode())
                greeting = ask.GREETINGS.validate_python((await receive_message(process.stdout)).head)
            if isinstance(greeting, ask.Unfit):
                raise EngineUnfit(greeting.why)
        except (BrokenPipe, TimeoutError, ValidationError) as error:
            await _end(process)
            raise EngineLost(f"an engine process did not start: {error}") from error
        except BaseException:
            await _end(process)
            raise
        return cls(process, greeting, patience_seconds)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return not self._reader.done()

    async def ask(self, request: ask.Request) -> Reply:
        """The answer; raises EngineLost if there will be none."""
        if not self.alive:
            raise EngineLost(f"engine process {self.pid} is gone")
        assert self._process.stdin is not None
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        try:
            self._process.stdin.write(Message(request.model_dump(mode="json")).encode())
            async with asyncio.timeout(self._patience):
                await self._process.stdin.drain()
                return await answer
        except TimeoutError:
            log.error("engine process hangs", extra={"pid": self.pid, "op": request.op})
            self.kill()
            raise EngineLost(f"engine process {self.pid} did not answer in {self._patience:g} s") from None
        except ConnectionError as error:
            raise EngineLost(f"engine process {self.pid} is gone") from error

    def kill(self) -> None:
        """End it at once; everybody who waits for it learns so."""
        # Once only: to signal a process that has ended would reap it behind the event loop's back.
        if not self._killed and self._process.returncode is None:
            self._killed = True
            self._process.kill()

    async def died(self) -> None:
        """Return when the process has ended."""
        await asyncio.wait([self._reader])

    async def stop(self) -> None:
        """End it and wait until it has ended."""
        if self.alive:
            self.kill()
        await self.died()

    async def _read(self) -> None:
        """Hand each message to whoever asked; at the end of the pipe, tell the rest."""
        assert self._process.stdout is not None
        why = "the pipe ended"
        try:
            while True:
                message = await receive_message(self._process.stdout)
                answer = ask.ANSWERS.validate_python(message.head)
                asker = self._waiting.popleft()
                if not asker.done():
                    asker.set_result((answer, message.parts))
        except BrokenPipe as error:
            why = str(error)
        except (ValidationError, IndexError) as error:
            why = f"it said what is no answer: {error}"
            self.kill()
        finally:
            status = await self._ended()
            log.info("engine process ended", extra={"pid": self.pid, "status": status, "why": why})
            for asker in self._waiting:
                if not asker.done():
                    asker.set_exception(EngineLost(f"engine process {self.pid} ended: {why}"))
                    asker.exception()  # whoever asked may be gone too; then nobody needs to hear of it

    async def _ended(self) -> int:
        """The exit status of a process that has closed its pipe, and so ends by itself or is made to."""
        try:
            async with asyncio.timeout(_END_SECONDS):
                return await self._process.wait()
        except TimeoutError:
            self.kill()
            return await self._process.wait()


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process that never became an EngineProcess."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await process.wait()
