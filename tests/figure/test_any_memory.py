"""The facts of a moment, whatever memory and registers hold: a run that goes wrong writes anything anywhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.lens.played import played
from trapscope.copy import english
from trapscope.core.image import Image
from trapscope.core.reading import Reading
from trapscope.core.types import GS_BASE, KERNEL_MAP, RAM_BASE, RAM_SIZE, RIP, RSP
from trapscope.figure.facts.code import code_view
from trapscope.figure.facts.rows import stack_view
from trapscope.figure.facts.site import site_view
from trapscope.figure.facts.thread import Field, thread_view
from trapscope.figure.scene import Scene

EDGES = [0, 1, 0x7FFFFFFF, 1 << 31, 1 << 53, (1 << 63) - 1, 1 << 63, 0xFFFF888000000000, KERNEL_MAP, (1 << 64) - 1]
values = st.one_of(st.sampled_from(EDGES), st.integers(0, (1 << 64) - 1), st.integers(RAM_BASE, RAM_BASE + RAM_SIZE))
registers = st.sampled_from([RSP, RIP, GS_BASE])


@pytest.fixture(scope="module")
def reading(image: Image) -> Reading:
    reading = Reading(played(image, "four-contexts"))
    reading.follow()
    return reading


filled = st.lists(st.one_of(st.none(), values), min_size=33, max_size=33)


def show(scene: Scene) -> None:
    thread_view(scene)
    stack_view(scene)
    site_view(scene)
    code_view(scene)


@settings(max_examples=30)
@given(share=st.floats(0, 1), words=filled)
def test_every_view_takes_any_value_in_the_task_the_stack_and_the_site(
    reading: Reading, share: float, words: list[int | None]
) -> None:
    scene = Scene.at(reading, int(share * len(reading.session.trace)), None, {}, english())
    state = scene.state.copy()
    task = state.memory.u64(state.regs[0][GS_BASE] + scene.image.symbol("current_task").address)
    site = scene.image.symbol("traced_fn").address
    places = [*range(task, task + 64, 8), *range(scene.rsp & ~7, scene.image.symbol("_end").address, 8)[:24], site]
    for place, word in zip(places, words, strict=False):
        if word is not None:
            state.memory.write(place, word.to_bytes(8, "little"))
    show(replace(scene, state=state))


@settings(max_examples=30)
@given(register=registers, value=values)
def test_every_view_takes_any_value_in_a_pointer(reading: Reading, register: int, value: int) -> None:
    scene = Scene.at(reading, 900, 0, {}, english())
    state = scene.state.copy()
    state.regs[0][register] = value
    show(replace(scene, state=state))


def test_a_push_beyond_the_slots_is_named_at_the_field_that_it_destroyed(image: Image) -> None:
    reading = Reading(played(image, "fifth", "thread", "unchecked-depth"))
    pushed = next(e.moment for e in played(image, "fifth", "thread", "unchecked-depth").events
                  if e.name == "slot-pushed" and getattr(e, "index", 0) == 4)  # fmt: skip

    def state_at(moment: int) -> Field:
        view = thread_view(Scene.at(reading, moment, 0, {}, english()))
        assert view is not None
        return next(field for field in view.neighbours if field.name == "state")

    assert (state_at(pushed).value, state_at(pushed).clobbered_by) == (0, None)
    assert state_at(pushed + 1).clobbered_by == 4
    assert state_at(pushed + 1).value != 0
