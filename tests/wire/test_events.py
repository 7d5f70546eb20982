"""Events and findings on the wire: whatever the lens raises has a model, and its JSON is of that model."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trapscope.core.lens import events as lens
from trapscope.core.lens.finding import Finding
from trapscope.core.types import MASK64, Context, Severity
from trapscope.wire import events as wire

COUNTS = st.integers(0, 3)
TEXTS = st.text(max_size=12)


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    if get_origin(hint) is Annotated and lens.HEX in hint.__metadata__:
        return st.integers(0, MASK64)
    if get_origin(hint) is tuple:
        return st.lists(values_of(get_args(hint)[0]), max_size=3).map(tuple)
    if dataclasses.is_dataclass(hint):
        return instances_of(hint)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        int: COUNTS,
        str: TEXTS,
        bool: st.booleans(),
        bytes: st.binary(max_size=8),
        Context: st.sampled_from(Context),
        Severity: st.sampled_from(Severity),
    }
    return plain[hint]


def instances_of(shape: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(shape, include_extras=True)
    return st.builds(shape, **{field.name: values_of(hints[field.name]) for field in dataclasses.fields(shape)})


@pytest.mark.parametrize("event", lens.EVENTS, ids=lambda event: event.name)
@given(st.data())
def test_every_event_is_told_as_its_model_has_it(event: type[lens.Event], data: st.DataObject) -> None:
    raised = data.draw(instances_of(event))
    told = wire.event_object(raised)
    model = wire.EVENT_MODELS[event.name].model_validate_json(json.dumps(told))
    assert model.model_dump(mode="json") == told
    assert (told["n"], told["cpu"], told["event"]) == (raised.moment, raised.cpu, event.name)


@given(instances_of(Finding))
def test_a_finding_is_told_as_its_model_has_it(finding: Finding) -> None:
    told = wire.finding_object(finding)
    assert wire.Finding.model_validate_json(json.dumps(told)).model_dump(mode="json") == told


def test_every_event_of_the_lens_has_a_model() -> None:
    assert tuple(wire.EVENT_MODELS) == lens.EVENT_NAMES


def test_64_bit_values_are_hex_text_and_counts_are_numbers() -> None:
    frame = lens.Frame(addr=MASK64, ip=1, cs=0x10, flags=0x246, sp=0, ss=0)
    told = wire.event_object(lens.FramePushed(7, 1, vector=3, frame=frame, symbol="traced_fn+0x1", handler="int3"))
    assert told == {
        "n": 7,
        "cpu": 1,
        "event": "frame-pushed",
        "vector": 3,
        "frame": {"addr": "0xffffffffffffffff", "ip": "0x1", "cs": "0x10", "flags": "0x246", "sp": "0x0", "ss": "0x0"},
        "symbol": "traced_fn+0x1",
        "handler": "int3",
    }


def test_a_field_that_the_wire_has_no_text_for_is_refused() -> None:
    @dataclasses.dataclass(frozen=True)
    class Odd(lens.Event):
        name = "odd"
        ratio: float

    with pytest.raises(TypeError, match="float"):
        wire.event_object(Odd(0, 0, 0.5))
