"""Events and findings as they look on the wire: tagged by `event`, 64-bit values as hex text.

The models are made from the lens's own dataclasses, so an event that the lens learns appears here, in the schema and
in TypeScript by itself. The shape is that of the lines of `--format jsonl` without their `type`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import Field, create_model
from typing_extensions import TypeAliasType

from trapscope.core.lens import events as lens
from trapscope.core.lens.finding import Finding as LensFinding
from trapscope.core.telling import Told
from trapscope.core.types import Context
from trapscope.wire.values import ContextName, Cpu, Frozen, Hex, HexBytes, Moment, SeverityName, hex_text


class EventBase(Frozen):
    """Every event's first two fields: the step that raised it, and its CPU."""

    n: Moment
    cpu: Cpu


class Finding(Frozen):
    """A check that does not hold, at the step that broke it."""

    n: Moment
    cpu: Cpu
    check: str
    severity: SeverityName
    detail: str


def _wire_type(hint: Any) -> Any:
    """The wire's type for a field of the lens; raises TypeError for one that it has no text for."""
    if get_origin(hint) is Annotated and lens.HEX in hint.__metadata__:
        return Hex
    if get_origin(hint) is tuple:
        return list[_wire_type(get_args(hint)[0])]  # type: ignore[misc]
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _model(hint)
    known: dict[Any, Any] = {int: int, str: str, bool: bool, bytes: HexBytes, Context: ContextName}
    if hint not in known:
        raise TypeError(f"no wire type for {hint!r}")
    return known[hint]


@cache
def _model(shape: type) -> type[Frozen]:
    """The model of a plain dataclass: same name, same fields."""
    hints = get_type_hints(shape, include_extras=True)
    fields: dict[str, Any] = {field.name: _wire_type(hints[field.name]) for field in dataclasses.fields(shape)}
    return create_model(shape.__name__, __base__=Frozen, __doc__=shape.__doc__, **fields)


def _event_model(event: type[lens.Event]) -> type[EventBase]:
    hints = get_type_hints(event, include_extras=True)
    fields: dict[str, Any] = {"event": Literal[event.name]}
    for field in dataclasses.fields(event):
        if field.name not in ("moment", "cpu"):
            fields[field.name] = _wire_type(hints[field.name])
    return create_model(event.__name__, __base__=EventBase, __doc__=event.__doc__, **fields)


#: The model of each event, by its name.
EVENT_MODELS: Final = {event.name: _event_model(event) for event in lens.EVENTS}

if TYPE_CHECKING:
    LensEvent = EventBase
else:
    LensEvent = TypeAliasType(
        "LensEvent",
        Annotated[Union[tuple(EVENT_MODELS.values())], Field(discriminator="event")],  # noqa: UP007
    )


def told_object(told: Told) -> dict[str, Any]:
    """As JSON will have it: a Told of messages.py."""
    return {"id": told.id, "args": dict(told.args), "passage": told.passage, "weight": told.weight}


def event_object(event: lens.Event) -> dict[str, Any]:
    """An event as JSON will have it: the fields of its model, `n` for the moment."""
    shape: Any = type(event)
    return {
        "n": event.moment,
        "cpu": event.cpu,
        "event": event.name,
        **{name: told(getattr(event, name)) for name, told in _tellers(shape) if name not in ("moment", "cpu")},
    }


def finding_object(finding: LensFinding) -> dict[str, Any]:
    """A finding as JSON will have it."""
    return {
        "n": finding.moment,
        "cpu": finding.cpu,
        "check": finding.check,
        "severity": finding.severity.value,
        "detail": finding.detail,
    }


@cache
def _tellers(shape: Any) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """For each field of a dataclass, how its value becomes JSON."""
    hints = get_type_hints(shape, include_extras=True)
    return tuple((field.name, _teller(hints[field.name])) for field in dataclasses.fields(shape))


def _teller(hint: Any) -> Callable[[Any], Any]:
    wire = _wire_type(hint)
    if wire is Hex:
        return hex_text
    if wire is HexBytes:
        return bytes.hex
    if get_origin(hint) is tuple:
        one = _teller(get_args(hint)[0])
        return lambda values: [one(value) for value in values]
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        tellers = _tellers(hint)
        return lambda value: {name: told(getattr(value, name)) for name, told in tellers}
    return lambda value: value
