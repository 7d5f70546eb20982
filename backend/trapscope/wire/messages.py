"""The control messages of the socket: two tagged unions, told apart by `type`.

Everything that a client sends carries its own `seq` and is answered by it, with `reply` or `refused`. What the
server sends is either *log* (chunk, in order, never changed) or *state* (status, presence: only the newest counts).
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter
from typing_extensions import TypeAliasType

from trapscope.core.session.schedule import MAX_LENGTH
from trapscope.wire.ending import Ending
from trapscope.wire.events import Finding, LensEvent
from trapscope.wire.held import Held
from trapscope.wire.problems import Refusal
from trapscope.wire.rest import RunChoice
from trapscope.wire.values import ContextName, Count, Frozen, Hex, HexBytes, Moment, Registers, VerdictName

PROTOCOL_VERSION: Final = 1
SUBPROTOCOL: Final = "trapscope.v1"

Seq = Annotated[int, Field(ge=0, le=2**53 - 1)]


class Run(Frozen):
    """Append a schedule to the session's inputs. Answered as soon as it is in the log; chunks follow."""

    type: Literal["run"]
    seq: Seq
    schedule: Annotated[str, Field(min_length=1, max_length=MAX_LENGTH)]


class Cancel(Frozen):
    """Drop what is queued and not run yet. What has run stays."""

    type: Literal["cancel"]
    seq: Seq


class Cursor(Frozen):
    """Tell the others which moment this client looks at."""

    type: Literal["cursor"]
    seq: Seq
    moment: Moment


class Rename(Frozen):
    """Choose the name that others see."""

    type: Literal["rename"]
    seq: Seq
    name: Annotated[str, Field(min_length=1, max_length=40)]


ClientMessage = TypeAliasType("ClientMessage", Annotated[Run | Cancel | Cursor | Rename, Field(discriminator="type")])


class Person(Frozen):
    """Somebody connected to the session. Until roles exist everybody drives."""

    client: str
    name: str
    role: Literal["driver", "viewer"]
    moment: Moment | None


class Hello(Frozen):
    """The first message. `client` is the receiver's own id among `people`; `guest` names the ELF by its SHA-256."""

    type: Literal["hello"]
    protocol: Literal[1]
    client: str
    role: Literal["driver", "viewer"]
    session: str
    choice: RunChoice
    guest: str
    people: list[Person]


class Snapshot(Frozen):
    """The second message: chunks that follow begin at `first`, the greatest chunk boundary ≤ the moment asked for.

    With `first` = 0 it carries every CPU's registers at moment 0, and ONE binary memory frame follows at once. Else
    `cpus` is null and nothing binary follows: the client kept what it needs; if its log reaches beyond `first`, it
    drops the rest. Instructions and lanes of the chunks before `first` keep their ids.
    """

    type: Literal["snapshot"]
    first: Moment
    steps: Count
    cpus: list[Registers] | None


class Insn(Frozen):
    """An entry of the session's code table; steps name it by `id`. Same address with other bytes is another entry."""

    id: Count
    rip: Hex
    bytes: HexBytes
    text: str
    symbol: str | None
    file: str | None
    line: Count | None


class Lane(Frozen):
    """What a CPU is doing in a step: context, depth of nested int3 traps, the task's comm."""

    id: Count
    context: ContextName
    trap: Count
    task: str


Passage = TypeAliasType(
    "Passage",
    Literal[
        "breakpoint", "skip", "emulate", "frame", "stub", "communicate", "four", "slots", "percpu", "thread", "fork",
        "offsets",
    ],
)  # fmt: skip


class Told(Frozen):
    """By which message of the copy an event is told, and what goes into it; `passage` names the patch's own words.

    Of the events of one step the one with the lowest `weight` is the story.
    """

    id: str
    args: dict[str, str | int]
    passage: Passage | None
    weight: Count


class Chunk(Frozen):
    """Steps [first, first + count) of the log; ONE binary steps frame for the same moments follows at once.

    `insns` and `lanes` are the entries that these steps use for the first time; their ids count up from 0 over the
    session. `events` and `findings` belong to these steps, and `told[n]` to `events[n]`; findings that the run's end
    brought come with its last chunk, or, where that was sent already, with a chunk of count 0. `held` tells what CPUs
    hold back from a moment in [first, first + count] on; an injection that nothing has run since comes with a chunk of
    count 0 too.
    """

    type: Literal["chunk"]
    first: Moment
    count: Count
    insns: list[Insn]
    lanes: list[Lane]
    events: list[LensEvent]
    told: list[Told]
    findings: list[Finding]
    held: list[Held]


class Status(Frozen):
    """What the session is doing, sent after the chunks that it speaks of; only the newest counts.

    `schedule` (canonical, of the steps made) and `hash` (of the trace) are null while running; `schedule` also where it
    would be longer than a schedule may be.
    `ending` is there with the verdict: why, and what to look at next.
    `rebuilding`: the machine's process died and is being replayed; `failed`: it died again and again.
    """

    type: Literal["status"]
    state: Literal["idle", "running", "rebuilding", "ended", "failed"]
    steps: Count
    verdict: VerdictName | None
    schedule: str | None
    hash: str | None
    ending: Ending | None


class Reply(Frozen):
    """Command `seq` was done. `at` is the number of steps in the log when it was."""

    type: Literal["reply"]
    seq: Seq
    did: Literal["queued", "cancelled", "nothing-to-cancel", "moved", "renamed"]
    at: Moment


class Refused(Frozen):
    """Command `seq` (null where none could be read) was not done, and why. The session goes on."""

    type: Literal["refused"]
    seq: Seq | None
    why: Refusal


class Presence(Frozen):
    """Everybody who is connected now; replaces what was known."""

    type: Literal["presence"]
    people: list[Person]


class Goodbye(Frozen):
    """The last message before the server closes: deleted, expired, going down, or this client is too much."""

    type: Literal["goodbye"]
    why: Refusal


ServerMessage = TypeAliasType(
    "ServerMessage",
    Annotated[
        Hello | Snapshot | Chunk | Status | Reply | Refused | Presence | Goodbye,
        Field(discriminator="type"),
    ],
)

CLIENT_MESSAGES: Final[TypeAdapter[Run | Cancel | Cursor | Rename]] = TypeAdapter(ClientMessage)
SERVER_MESSAGES: Final[TypeAdapter[Hello | Snapshot | Chunk | Status | Reply | Refused | Presence | Goodbye]] = (
    TypeAdapter(ServerMessage)
)
