"""Every event has a phrase, and a phrase has the event's values."""

import dataclasses
from typing import Any, get_type_hints

import pytest

from trapscope.cli.phrases import phrase
from trapscope.core.image import Image
from trapscope.core.lens.events import EVENTS, Event, Frame
from trapscope.core.types import Context

SAMPLES: dict[Any, Any] = {
    int: 3, str: "worker", bytes: b"\xcc", Context: Context.IRQ, tuple[int, ...]: (0, 1), bool: True,
    Frame: Frame(1, 2, 3, 4, 5, 6),
}  # fmt: skip


def sample(event: type[Event]) -> Event:
    hints = get_type_hints(event)
    return event(**{field.name: SAMPLES[hints[field.name]] for field in dataclasses.fields(event)})


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_every_event_has_a_phrase(event: type[Event], image: Image) -> None:
    told = phrase(sample(event), image)
    assert told
    assert "\n" not in told


def test_an_event_that_is_not_known_is_refused(image: Image) -> None:
    with pytest.raises(TypeError, match="no phrase"):
        phrase(Event(0, 0), image)
