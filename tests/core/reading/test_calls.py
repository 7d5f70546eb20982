"""Which functions and traps a CPU is in, read off whole runs."""

from __future__ import annotations

import pytest

from tests.core.lens.played import played
from trapscope.core.image import Image
from trapscope.core.lens import events as lens
from trapscope.core.reading import Reading
from trapscope.core.session.catalogue import DEFAULT_DESIGN, offered


def reading_of(image: Image, scenario: str, design: str = "thread", *variants: str) -> Reading:
    reading = Reading(played(image, scenario, design, *variants))
    reading.follow()
    return reading


def functions(reading: Reading, cpu: int, moment: int) -> list[str]:
    return [activation.function for activation in reading.calls[cpu].at(moment).chain()][::-1]


def test_a_handler_is_inside_its_trap_and_the_trap_inside_what_it_interrupted(image: Image) -> None:
    reading = reading_of(image, "first-call")
    rewritten = next(e for e in reading.session.events if isinstance(e, lens.FrameRewritten))
    assert functions(reading, 0, rewritten.moment)[-6:] == [
        "caller_fn", "traced_fn", "int3", "do_int3", "ftrace_int3_handler", "int3_thread_emulate",
    ]  # fmt: skip


def test_a_stub_takes_the_place_of_what_was_trapped_and_jumps_into_what_would_have_been_called(image: Image) -> None:
    reading = reading_of(image, "first-call")
    emulated = next(e for e in reading.session.events if isinstance(e, lens.CallEmulated))
    assert functions(reading, 0, emulated.moment)[-2:] == ["caller_fn", "ftrace_int3_stub_regs_caller"]
    assert functions(reading, 0, emulated.moment + 1)[-2:] == ["caller_fn", "ftrace_regs_caller"]


def test_a_task_takes_its_calls_along_to_another_cpu(image: Image) -> None:
    reading = reading_of(image, "preempt-migrate")
    migrated = next(e for e in reading.session.events if isinstance(e, lens.Migrated))
    assert "traced_fn" not in functions(reading, migrated.cpu, migrated.moment - 100)
    chain = functions(reading, migrated.cpu, migrated.moment + 1)
    assert chain[chain.index("caller_fn") :][:4] == ["caller_fn", "traced_fn", "int3", "error_exit"]


def test_in_every_scenario_what_is_called_begins_and_ends_inside_its_caller(image: Image) -> None:
    for scenario in offered(image):
        reading = Reading(played(image, scenario.name, DEFAULT_DESIGN))
        reading.follow()
        end = len(reading)
        for calls in reading.calls:
            for activation in calls.all:
                assert activation.here <= (end if activation.left is None else activation.left)
                parent = activation.parent
                if parent is not None:
                    assert parent.here <= activation.here
                    assert parent.left is None or (activation.left is not None and activation.left <= parent.left)


def test_reading_on_gives_what_reading_at_once_gives(image: Image) -> None:
    whole = reading_of(image, "four-contexts")
    session = whole.session
    again = Reading(session)
    for end in range(0, len(session.trace) + 1, 97):
        again.follow(end)
    again.follow()
    for first, second in zip(whole.calls[0].all, again.calls[0].all, strict=True):
        assert (first.function, first.here, first.left) == (second.function, second.here, second.left)


@pytest.mark.parametrize("scenario", ["first-call", "preempt-migrate"])
def test_the_last_writer_is_the_one_that_a_naive_search_finds(image: Image, scenario: str) -> None:
    reading = reading_of(image, scenario)
    session = reading.session
    at = len(session.trace)
    address = next(e for e in session.events if isinstance(e, lens.SlotPushed)).addr
    naive = [
        step.moment
        for step in session.trace.steps()
        if any((w.addr ^ address) & 0xFFFFFF8 == 0 or (w.addr ^ address) & 0xFFFFFF < 8 for w in step.writes)
    ]
    assert reading.writers(address, 8, at) == naive
    assert reading.writer(address, naive[-1]) != reading.writer(address, at)
    assert naive
