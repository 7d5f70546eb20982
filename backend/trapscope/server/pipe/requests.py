"""What the server asks of an engine process, and what the process answers, told apart by `op` and `outcome`.

Requests of one process are answered in order, one at a time. A session lives in one process until that dies.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from trapscope.figure import Part, ThemeName
from trapscope.wire.ending import Ending
from trapscope.wire.exports import TraceFormat
from trapscope.wire.queries import Question
from trapscope.wire.rest import DesignList, GuestInfo, RunChoice, ScenarioList
from trapscope.wire.values import Count, Cpu, FetchName, Frozen, Registers, VerdictName


class Begin(Frozen):
    """The first thing a process is told, with two parts: the guest's ELF, and the texts of its sources
    as a JSON list. All processes of a server run the same guest."""

    op: Literal["begin"] = "begin"
    sources: list[str]


class Ready(Frozen):
    """Answer to Begin: the process has read the guest and Unicorn passed its self-test."""

    outcome: Literal["ready"]
    guest: GuestInfo
    scenarios: ScenarioList
    designs: DesignList


class Unfit(Frozen):
    """Said instead of Ready, before the process ends: no guest, or an emulator that cannot be relied on."""

    outcome: Literal["unfit"]
    why: str


class Open(Frozen):
    """Boot a machine. What is null is the scenario's own choice."""

    op: Literal["open"] = "open"
    session: str
    scenario: str
    design: str | None
    variants: list[str]
    fetch: FetchName
    cpus: int | None
    max_steps: int


class Feed(Frozen):
    """Queue a schedule."""

    op: Literal["feed"] = "feed"
    session: str
    schedule: str


class Advance(Frozen):
    """Make at most `limit` steps of what is queued."""

    op: Literal["advance"] = "advance"
    session: str
    limit: int


class Drop(Frozen):
    """Drop what is queued."""

    op: Literal["drop"] = "drop"
    session: str


class Close(Frozen):
    """Forget the session."""

    op: Literal["close"] = "close"
    session: str


class Export(Frozen):
    """The next piece of the session's trace as text: from step `first` on, or with null what comes before the steps.

    `length` is how many steps the whole export has; null at its beginning, which then says it.
    """

    op: Literal["export"] = "export"
    session: str
    format: TraceFormat
    cpu: Cpu | None
    first: Count | None
    length: Count | None


class AskWhy(Frozen):
    """One part: a Why as JSON."""

    op: Literal["why"] = "why"
    session: str
    target: str
    at: str
    limit: int


class AskFind(Frozen):
    """One part: a Found as JSON."""

    op: Literal["find"] = "find"
    session: str
    question: Question
    target: str
    at: str
    cpu: int | None


class AskEvents(Frozen):
    """One part: an EventList as JSON, of the steps first … end-1 (to the last where `end` is null)."""

    op: Literal["events"] = "events"
    session: str
    name: str
    first: Count
    end: Count | None
    limit: int


class AskFigure(Frozen):
    """One part: a moment as SVG. `cpu` is whose code and stack are shown; null for who made the last step."""

    op: Literal["figure"] = "figure"
    session: str
    at: str
    theme: ThemeName
    part: Part
    cpu: Cpu | None


class AskSymbols(Frozen):
    """One part: a SymbolList as JSON."""

    op: Literal["symbols"] = "symbols"


class AskStruct(Frozen):
    """One part: a StructInfo as JSON."""

    op: Literal["struct"] = "struct"
    name: str


class AskAssembly(Frozen):
    """One part: an Assembly as JSON."""

    op: Literal["assembly"] = "assembly"
    symbol: str


Inquiry = AskWhy | AskFind | AskEvents | AskFigure
Request = Open | Feed | Advance | Drop | Close | Export | Inquiry | AskSymbols | AskStruct | AskAssembly


class Opened(Frozen):
    """Answer to Open, with one part: the memory frame of moment 0. `guest` is the ELF's SHA-256.

    `opening` is the schedule that this choice is played by when nobody says otherwise.
    """

    outcome: Literal["opened"] = "opened"
    guest: str
    choice: RunChoice
    cpus: list[Registers]
    hash: str
    opening: str


class Advanced(Frozen):
    """Answer to Advance, with two parts where there is a chunk: its JSON text, its steps frame.

    `schedule` and `hash` are there once nothing is left to do.
    """

    outcome: Literal["advanced"] = "advanced"
    first: Count
    count: Count
    pending: bool
    verdict: VerdictName | None
    schedule: str | None
    hash: str | None
    ending: Ending | None


class Exported(Frozen):
    """Answer to Export, with one part: the text. `next_first` is where to go on; null at the end."""

    outcome: Literal["exported"] = "exported"
    next_first: Count | None
    length: Count


class Done(Frozen):
    """Answer to everything else; a question about the guest has its answer as the one part."""

    outcome: Literal["done"] = "done"


class Refused(Frozen):
    """The input is to blame."""

    outcome: Literal["refused"] = "refused"
    detail: str
    token: str | None
    position: Count | None


class NotThere(Frozen):
    """The guest has nothing of that name, or the process no such session."""

    outcome: Literal["not-there"] = "not-there"
    detail: str


class Failed(Frozen):
    """The program is to blame; `trace` is for the server's log."""

    outcome: Literal["failed"] = "failed"
    trace: str


Answer = Opened | Advanced | Exported | Done | Refused | NotThere | Failed
Greeting = Ready | Unfit

REQUESTS: Final[TypeAdapter[Request]] = TypeAdapter(Annotated[Request, Field(discriminator="op")])
ANSWERS: Final[TypeAdapter[Answer]] = TypeAdapter(Annotated[Answer, Field(discriminator="outcome")])
BEGINNINGS: Final = TypeAdapter(Begin)
GREETINGS: Final[TypeAdapter[Greeting]] = TypeAdapter(Annotated[Greeting, Field(discriminator="outcome")])
