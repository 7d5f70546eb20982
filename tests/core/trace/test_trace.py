"""The trace: columns give back what was put in; every moment is reachable both ways and looks the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.trace.recorded import Move, blank, moves, recorded
from trapscope.core.trace import Memory, Trace
from trapscope.core.types import DIRECT_MAP, KERNEL_MAP, RAM_BASE, RAM_SIZE


@given(moves)
@settings(deadline=None, max_examples=60)
def test_the_columns_give_back_every_step_as_it_was_appended(plan: list[Move]) -> None:
    trace, steps, _ = recorded(plan)
    assert list(trace.steps()) == steps


@given(moves, st.data())
@settings(deadline=None, max_examples=60)
def test_seeking_reaches_the_state_that_was_there(plan: list[Move], data: st.DataObject) -> None:
    trace, _, digests = recorded(plan)
    moment = data.draw(st.integers(0, len(plan)))
    assert trace.seek(moment).digest() == digests[moment]


@given(moves)
@settings(deadline=None, max_examples=60)
def test_undoing_every_step_leads_back_through_every_moment_to_the_start(plan: list[Move]) -> None:
    trace, steps, digests = recorded(plan)
    state = trace.seek(len(steps))
    for step in reversed(steps):
        assert state.digest() == digests[step.moment + 1]
        state.undo(step)
    assert state.digest() == digests[0]


@given(moves)
@settings(deadline=None, max_examples=40)
def test_the_hash_does_not_depend_on_when_it_is_asked_for(plan: list[Move]) -> None:
    asked_once, steps, _ = recorded(plan)
    asked_often = Trace(blank())
    for step in steps:
        asked_often.append(step)
        assert asked_often.hash
    assert asked_often.hash == asked_once.hash


def test_the_hash_tells_two_runs_apart_that_differ_in_one_byte_of_one_store() -> None:
    one, _, _ = recorded([(0, False, 7, {}, [(KERNEL_MAP, 3, b"\x01")])])
    other, _, _ = recorded([(0, False, 7, {}, [(KERNEL_MAP, 3, b"\x02")])])
    assert one.hash != other.hash


def test_a_sought_state_is_a_copy() -> None:
    trace, _, digests = recorded([(0, False, 7, {0: 1}, [(KERNEL_MAP, 3, b"\x01")])])
    trace.seek(1).memory.write(KERNEL_MAP + RAM_BASE, b"\xff")
    assert trace.seek(1).digest() == digests[1]


def test_a_step_out_of_order_is_refused() -> None:
    trace, steps, _ = recorded([(0, False, 7, {}, [])])
    with pytest.raises(ValueError, match="step 0 does not follow step 0"):
        trace.append(steps[0])


@pytest.mark.parametrize("moment", [-1, 2])
def test_a_moment_outside_the_trace_is_refused(moment: int) -> None:
    trace, _, _ = recorded([(0, False, 7, {}, [])])
    with pytest.raises(IndexError, match=f"no moment {moment}"):
        trace.seek(moment)


def test_both_mappings_name_the_same_bytes() -> None:
    memory = Memory.of(bytes(RAM_SIZE))
    memory.write(DIRECT_MAP + RAM_BASE + 4094, b"\x01\x02\x03\x04")
    assert memory.read(KERNEL_MAP + RAM_BASE + 4094, 4) == b"\x01\x02\x03\x04"


@pytest.mark.parametrize("address", [0, DIRECT_MAP, KERNEL_MAP + RAM_BASE + RAM_SIZE, 2**64 - 1])
def test_an_address_outside_ram_is_refused_by_name(address: int) -> None:
    with pytest.raises(ValueError, match=f"{address:#x}"):
        Memory.of(bytes(RAM_SIZE)).read(address, 1)
