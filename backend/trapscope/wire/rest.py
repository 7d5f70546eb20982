"""Bodies of the REST API: scenarios, the guest's symbols, structs, sources and assembly, sessions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from trapscope.wire.values import Count, FetchName, Frozen, Hex, HexBytes, VerdictName

Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]


class DesignChoice(Frozen):
    """A design that a scenario says something about, with the variants that mean something under it there."""

    name: Name
    variants: list[Name]


class ScenarioInfo(Frozen):
    """One entry of the catalogue; `schedule` is what the page plays when nobody chose otherwise.

    `sentences` are the seed patch's own, word for word. `cpus` is the default and the least, `most_cpus` the most.
    """

    name: Name
    title: str
    question: str
    sentences: list[str]
    introduction: str
    designs: list[DesignChoice]
    default_design: Name
    cpus: Count
    most_cpus: Count
    schedule: str


class ScenarioList(Frozen):
    scenarios: list[ScenarioInfo]


class DesignInfo(Frozen):
    """One way to resolve the trap."""

    name: Name
    title: str
    what: str
    origin: str


class VariantInfo(Frozen):
    """One deliberate mistake or documented alternative."""

    name: Name
    what: str
    designs: list[Name]


class DesignList(Frozen):
    designs: list[DesignInfo]
    variants: list[VariantInfo]


class GuestInfo(Frozen):
    sha256: str
    text_start: Hex
    text_end: Hex
    image_end: Hex
    sources: list[str]


class SymbolInfo(Frozen):
    """A label has size 0; the address of a per-CPU symbol is its offset from the GS base."""

    name: str
    address: Hex
    size: Count
    per_cpu: bool


class SymbolList(Frozen):
    symbols: list[SymbolInfo]


class MemberInfo(Frozen):
    """One member; nested members are listed flat, by path ("thread_info.ftrace_int3_stack.depth")."""

    path: str
    type: str
    offset: Count
    size: Count


class StructInfo(Frozen):
    name: str
    size: Count
    members: list[MemberInfo]


class SourceFile(Frozen):
    path: str
    text: str


class AssemblyLine(Frozen):
    """One instruction as the ELF holds it; what is patched at run time is in the trace, not here."""

    address: Hex
    bytes: HexBytes
    text: str
    symbol: str
    file: str | None
    line: Count | None


class Assembly(Frozen):
    """The instructions of one symbol, from its address to its end."""

    symbol: str
    address: Hex
    size: Count
    lines: list[AssemblyLine]


class GuestText(Frozen):
    """What a run has been seen to use of the guest's text, fetched at once."""

    assemblies: list[Assembly]
    sources: list[SourceFile]


class RunChoice(Frozen):
    """What determines a run besides its schedule. Used in both directions, so nothing has a default."""

    scenario: str
    design: str
    variants: list[str]
    fetch: FetchName
    cpus: Annotated[int, Field(ge=1, le=4)]
    max_steps: Annotated[int, Field(ge=1)]


class CreateSession(Frozen):
    """Body of POST /api/sessions. What is left out is the scenario's own choice.

    `replaces` is a session of the same address that is given up for this one; it goes on if somebody else looks at it.
    """

    scenario: Annotated[str, Field(max_length=64)]
    design: Annotated[str, Field(max_length=64)] | None = None
    variants: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=32, default_factory=list)]
    fetch: FetchName = "coherent"
    cpus: Annotated[int, Field(ge=1, le=4)] | None = None
    max_steps: Annotated[int, Field(ge=1)] | None = None
    replaces: Annotated[str, Field(max_length=64)] | None = None


class SessionInfo(Frozen):
    """One session; `inputs` is what was asked for, in order.

    `schedule` (canonical, of the steps made) and `hash` (of the trace) are null while it runs, `schedule` also where it
    would be longer than a schedule may be; `opening` is what this
    choice is played by when nobody says otherwise.
    """

    id: str
    choice: RunChoice
    state: Literal["idle", "running", "rebuilding", "ended", "failed"]
    steps: Count
    verdict: VerdictName | None
    schedule: str | None
    hash: str | None
    opening: str
    inputs: list[str]
    socket: str
    idle_expiry_seconds: Count
