"""The input log in this process's memory: sessions end with the server."""

from __future__ import annotations

from trapscope.store.input_log import Input, SessionRecord, UnknownSession


class MemoryInputLog:
    """An InputLog that keeps lists."""

    def __init__(self) -> None:
        self._logs: dict[str, tuple[SessionRecord, list[Input]]] = {}

    async def create(self, record: SessionRecord) -> None:
        if record.id in self._logs:
            raise ValueError(f"session {record.id!r} exists already")
        self._logs[record.id] = (record, [])

    async def append(self, session: str, entry: Input) -> None:
        _, entries = self._log(session)
        if entries and entry.at < entries[-1].at:
            raise ValueError(f"an input at moment {entry.at} cannot follow one at {entries[-1].at}")
        entries.append(entry)

    async def record(self, session: str) -> SessionRecord:
        return self._log(session)[0]

    async def read(self, session: str) -> tuple[Input, ...]:
        return tuple(self._log(session)[1])

    async def delete(self, session: str) -> None:
        self._log(session)
        del self._logs[session]

    def _log(self, session: str) -> tuple[SessionRecord, list[Input]]:
        if session not in self._logs:
            raise UnknownSession(f"there is no session {session!r}")
        return self._logs[session]
