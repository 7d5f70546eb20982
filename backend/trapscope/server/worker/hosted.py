"""The engine process's side: sessions by id, and what each request does to them.

No sockets, no event loop: a request comes in, an answer with its parts goes out.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from functools import cached_property
from typing import Final, assert_never

from trapscope import figure
from trapscope.copy import english
from trapscope.core.errors import BadInput, BadSchedule, ImageError
from trapscope.core.image import Image
from trapscope.core.reading import Reading
from trapscope.core.session import Session
from trapscope.core.session.catalogue import CATALOGUE, offered, resolve
from trapscope.core.session.moments import moment_of
from trapscope.core.types import KERNEL_MAP, RAM_BASE, RAM_SIZE
from trapscope.core.why import Inquiry, Question
from trapscope.server.pipe import requests as ask
from trapscope.server.worker import guest_facts
from trapscope.server.worker.recorder import Recorder
from trapscope.wire import answers, exports
from trapscope.wire.ending import ending_model
from trapscope.wire.memory_image import encode_memory, ranges_of
from trapscope.wire.rest import RunChoice
from trapscope.wire.values import Registers

_WARM_UP_STEPS: Final = 2000

Reply = tuple[ask.Answer, tuple[bytes, ...]]
_DONE: Final[Reply] = (ask.Done(), ())


class NoSession(Exception):
    """The process has no session of that id."""


class Held:
    """A session with what has been told of it; the others are made when somebody asks for what needs them."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.recorder = Recorder(session)

    @cached_property
    def reading(self) -> Reading:
        return Reading(self.session)

    @cached_property
    def inquiry(self) -> Inquiry:
        return Inquiry(self.session)


class Hosted:
    """Every session of this process, and the guest that all of them run."""

    def __init__(self, image: Image, sources: Mapping[str, str]) -> None:
        self._image, self._sources = image, sources
        self._sessions: dict[str, Held] = {}

    def warm_up(self) -> None:
        """Play the first scenario once, so that the first person does not wait for line tables and disassembly."""
        scenario = offered(self._image)[0]
        session = Session(self._image, resolve(self._image, scenario.name))
        session.feed(scenario.schedule)
        session.advance(_WARM_UP_STEPS)
        Recorder(session).chunk()

    def answer(self, request: ask.Request) -> Reply:
        """Do it; what goes wrong is part of the answer."""
        try:
            return self._answer(request)
        except BadInput as error:
            token, position = (error.token, error.position) if isinstance(error, BadSchedule) else (None, None)
            return ask.Refused(detail=str(error), token=token, position=position), ()
        except (ImageError, NoSession) as error:
            return ask.NotThere(detail=str(error)), ()
        except Exception:  # noqa: BLE001  (whatever it is, the process and its other sessions go on)
            return ask.Failed(trace=traceback.format_exc()), ()

    def _answer(self, request: ask.Request) -> Reply:
        match request:
            case ask.Open():
                return self._open(request)
            case ask.Feed():
                self._held(request.session).session.feed(request.schedule)
                return _DONE
            case ask.Advance():
                return self._advance(request)
            case ask.Drop():
                self._held(request.session).session.cancel()
                return _DONE
            case ask.Close():
                self._sessions.pop(request.session, None)
                return _DONE
            case ask.Export():
                return self._export(request)
            case ask.AskWhy() | ask.AskFind() | ask.AskEvents():
                return ask.Done(), (self._inquire(request).encode(),)
            case ask.AskFigure():
                return ask.Done(), (self._figure(request).encode(),)
            case ask.AskSymbols():
                return ask.Done(), (guest_facts.symbol_list(self._image).model_dump_json().encode(),)
            case ask.AskStruct():
                layout = self._image.struct(request.name)
                return ask.Done(), (guest_facts.struct_info(layout).model_dump_json().encode(),)
            case ask.AskAssembly():
                return ask.Done(), (guest_facts.assembly(self._image, request.symbol).model_dump_json().encode(),)
            case _:
                assert_never(request)

    def _open(self, request: ask.Open) -> Reply:
        spec = resolve(
            self._image, request.scenario, request.design, tuple(request.variants), request.fetch, request.cpus
        )
        session = Session(self._image, spec, max_steps=request.max_steps)
        self._sessions[request.session] = Held(session)
        choice = RunChoice(
            scenario=spec.scenario,
            design=spec.design,
            variants=list(spec.variants),
            fetch=spec.fetch.value,
            cpus=spec.cpus,
            max_steps=session.max_steps,
        )
        ram = session.state0.memory.read(KERNEL_MAP + RAM_BASE, RAM_SIZE)
        cpus = [Registers.of(file) for file in session.state0.regs]
        opening = CATALOGUE[spec.scenario].schedule_under(spec.design, spec.variants, spec.fetch)
        opened = ask.Opened(guest=self._image.sha256, choice=choice, cpus=cpus, hash=session.hash, opening=opening)
        return opened, (encode_memory(ranges_of(ram)),)

    def _advance(self, request: ask.Advance) -> Reply:
        held = self._held(request.session)
        session, recorder = held.session, held.recorder
        session.advance(request.limit)
        chunk = recorder.chunk() if recorder.has_news else None
        answer = ask.Advanced(
            first=len(session.trace) if chunk is None else chunk.first,
            count=0 if chunk is None else chunk.count,
            pending=session.pending,
            verdict=None if session.verdict is None else session.verdict.value,
            schedule=session.schedule if session.is_named and not session.pending else None,
            hash=None if session.pending else session.hash,
            ending=None if session.ending is None else ending_model(session.ending, session.spec),
        )
        return answer, () if chunk is None else (chunk.text, chunk.frame)

    def _export(self, request: ask.Export) -> Reply:
        held = self._held(request.session)
        length = len(held.session.trace) if request.length is None else request.length
        export = exports.begin(request.format, held.reading, length, request.cpu)
        if request.first is None:
            following: int | None = 0
            lines = export.head()
        elif request.first < length:
            following = min(request.first + exports.FORMATS[request.format].piece_steps, length)
            lines = export.steps(request.first, following)
        else:
            following = None
            lines = export.tail()
        return ask.Exported(next_first=following, length=length), ("".join(lines).encode(),)

    def _inquire(self, request: ask.AskWhy | ask.AskFind | ask.AskEvents) -> str:
        inquiry = self._held(request.session).inquiry
        match request:
            case ask.AskWhy():
                return answers.why(inquiry, inquiry.why(request.target, request.at, request.limit)).model_dump_json()
            case ask.AskFind():
                question = Question(request.question)
                found = inquiry.find(question, request.target, request.at, request.cpu)
                return answers.found(inquiry, question, *found).model_dump_json()
            case ask.AskEvents():
                found_events = inquiry.events(request.name, request.first, request.end)
                return json.dumps(answers.event_list(found_events, request.limit))
            case _:
                assert_never(request)

    def _figure(self, request: ask.AskFigure) -> str:
        reading = self._held(request.session).reading
        moment = moment_of(request.at, reading.session)
        return figure.draw(
            reading, moment, self._sources, english(), theme=request.theme, part=request.part, cpu=request.cpu
        )  # fmt: skip

    def _held(self, session: str) -> Held:
        if session not in self._sessions:
            raise NoSession(f"this process has no session {session!r}")
        return self._sessions[session]
