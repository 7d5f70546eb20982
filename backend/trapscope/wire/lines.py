"""The lines of `--format jsonl` as models, and from them the JSON Schema that documents the format.

Events and findings are those of wire.events with a `type`; nothing is described twice. The schema tells the lines
apart by `type`, steps by `kind` and events by `event` with if/then, so that a validator's complaint is about the line
that was meant, and comes at once.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter, create_model
from pydantic.json_schema import SkipJsonSchema

from trapscope.core.types import MAX_CPUS, REGISTERS
from trapscope.wire.ending import Ending
from trapscope.wire.events import EVENT_MODELS, Finding
from trapscope.wire.held import Held
from trapscope.wire.jsonl import FORMAT
from trapscope.wire.schema import UntitledProperties
from trapscope.wire.values import (
    ContextName,
    Count,
    Cpu,
    FetchName,
    Frozen,
    Hex,
    Moment,
    Registers,
    VerdictName,
)

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
SomeBytes = Annotated[str, Field(pattern=r"^([0-9a-f]{2})+$")]


class HeaderLine(Frozen):
    """The first line: what determines the run besides its schedule. `guest` is the ELF's SHA-256."""

    type: Literal["header"]
    format: Literal[FORMAT]  # type: ignore[valid-type]
    version: str
    scenario: str
    design: str
    variants: list[str]
    fetch: FetchName
    cpus: Annotated[int, Field(ge=1, le=MAX_CPUS)]
    guest: Sha256


class StateLine(Frozen):
    """One a CPU: all registers at moment 0."""

    type: Literal["state"]
    n: Literal[0]
    cpu: Cpu
    regs: Registers


class MemoryLine(Frozen):
    """A range that differs, at moment 0, from what the ELF's segments leave; `addr` in the kernel mapping."""

    type: Literal["memory"]
    n: Literal[0]
    addr: Hex
    bytes: SomeBytes


class WriteField(Frozen):
    """A store: what was there and what is there now, equally long."""

    addr: Hex
    old: SomeBytes
    new: SomeBytes


class DeviceWriteField(Frozen):
    """A store to a device's page, which is no memory: nothing was there, and nothing is there to undo."""

    device: Literal["apic"]
    addr: Hex
    new: SomeBytes


def _by_device(schema: dict[str, Any]) -> None:
    """A write that names a device is one to a device; then a complaint is about the kind that was meant."""
    memory, device = schema["items"].pop("anyOf")
    schema["items"] = {"type": "object", "if": {"required": ["device"]}, "then": device, "else": memory}


class StepBase(Frozen):
    """What instructions and deliveries have in common. `regs` holds what changed; `trap` counts nested int3 traps."""

    type: Literal["step"]
    n: Moment
    cpu: Cpu
    rip: Hex
    symbol: str | None
    context: ContextName
    trap: Count
    task: str
    regs: dict[Literal[REGISTERS], Hex]  # type: ignore[valid-type]
    writes: Annotated[list[WriteField | DeviceWriteField], Field(json_schema_extra=_by_device)]


class InstructionLine(StepBase):
    """One retired instruction; `bytes` as this CPU decoded them. `symbol`, `source` and `text` are for people."""

    kind: Literal["insn"]
    source: str | None
    bytes: SomeBytes
    text: str


class DeliveryLine(StepBase):
    """One exception or interrupt that the CPU took, its pushes included; `error_code` where one is pushed."""

    kind: Literal["delivery"]
    vector: Annotated[int, Field(ge=0, le=255)]
    error_code: Annotated[Hex | SkipJsonSchema[None], Field(json_schema_extra=lambda s: s.pop("default"))] = None


class CheckLine(Finding):
    """A check that does not hold; it follows the step that broke it."""

    type: Literal["check"]


class HeldLine(Held):
    """What a CPU holds back from moment `n` on: before step `n`, behind the step or injection that changed it."""

    type: Literal["held"]


class EndLine(Frozen):
    """The last line of a run that has ended; `schedule` (canonical) reproduces `hash`, `ending` says why it ended.

    `schedule` is null where it would be longer than a schedule may be.
    """

    type: Literal["end"]
    steps: Count
    verdict: VerdictName
    violations: Count
    notes: Count
    schedule: str | None
    hash: Sha256
    ending: Ending


_TYPE: Final[dict[str, Any]] = {"type": Literal["event"]}
#: Each event as a line, by its name; it follows the step that raised it.
EVENT_LINES: Final = {
    name: create_model(f"{model.__name__}Line", __base__=model, __doc__=model.__doc__, **_TYPE)
    for name, model in EVENT_MODELS.items()
}
_LINES: Final = {
    "header": HeaderLine, "state": StateLine, "memory": MemoryLine, "check": CheckLine, "held": HeldLine,
    "end": EndLine,
}  # fmt: skip
_KINDS: Final = {"insn": InstructionLine, "delivery": DeliveryLine}


def document() -> dict[str, Any]:
    """The schema of one line."""
    models: list[Any] = [*_LINES.values(), *_KINDS.values(), *EVENT_LINES.values()]
    _, shared = TypeAdapter.json_schemas(
        [(model.__name__, "validation", TypeAdapter(model)) for model in models], schema_generator=UntitledProperties
    )
    definitions = shared["$defs"]
    definitions["StepLine"] = _told_apart("kind", _KINDS)
    definitions["EventLine"] = _told_apart("event", EVENT_LINES)
    return {
        "$schema": _DIALECT,
        "title": "One line of trapscope run --format jsonl",
        "description": (
            "Lines come in this order: the header; a state for each CPU and the memory, at moment 0; each step, then"
            " the events and checks that it raised, and what CPUs hold back from then on; the end, once the run has"
            " ended. Addresses, registers and bytes"
            " are lower-case hex text, counts are numbers."
        ),
        **_told_apart("type", {**_LINES, "step": "StepLine", "event": "EventLine"}),
        "$defs": dict(sorted(definitions.items())),
    }


def _told_apart(by: str, shapes: dict[str, Any]) -> dict[str, Any]:
    """An object that is of the shape that its field `by` names."""

    def reference(shape: Any) -> dict[str, str]:
        return {"$ref": f"#/$defs/{shape if isinstance(shape, str) else shape.__name__}"}

    return {
        "type": "object",
        "properties": {by: {"enum": list(shapes)}},
        "required": [by],
        "allOf": [
            {"if": {"properties": {by: {"const": name}}, "required": [by]}, "then": reference(shape)}
            for name, shape in shapes.items()
        ],
    }
