"""The trace: columns give back what was put in; every moment is reachable both ways and looks the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trapscope.core.trace import Memory, State, Trace
from trapscope.core.trace.trace import KEYFRAME_INTERVAL
from trapscope.core.types import (
    DIRECT_MAP,
    KERNEL_MAP,
    RAM_BASE,
    RAM_SIZE,
    REGISTERS,
    RegisterChange,
    Step,
    StepKind,
    Write,
)

CPUS = 2


def blank() -> State:
    return State([[0] * len(REGISTERS) for _ in range(CPUS)], Memory.of(bytes(RAM_SIZE)))


words = st.integers(0, 2**64 - 1)
register_changes = st.dictionaries(st.integers(0, len(REGISTERS) - 1), words, max_size=4)
stores = st.lists(
    st.tuples(
        st.sampled_from([KERNEL_MAP, DIRECT_MAP]),
        st.integers(0, 5000) | st.integers(RAM_SIZE - 40, RAM_SIZE - 8),
        st.binary(min_size=1, max_size=8),
    ),
    max_size=3,
)
moves = st.lists(
    st.tuples(st.integers(0, CPUS - 1), st.booleans(), words, register_changes, stores), max_size=KEYFRAME_INTERVAL + 40
)
Move = tuple[int, bool, int, dict[int, int], list[tuple[int, int, bytes]]]


def recorded(plan: list[Move]) -> tuple[Trace, list[Step], list[str]]:
    """A trace of these moves, its steps, and the digest at every moment, all made without the trace's help."""
    state = blank()
    trace = Trace(state)
    steps, digests = [], [state.digest()]
    for moment, (cpu, delivery, rip, registers, writes) in enumerate(plan):
        changes = tuple(
            RegisterChange(register, state.regs[cpu][register], value)
            for register, value in sorted(registers.items())
            if state.regs[cpu][register] != value
        )
        made = []
        for base, offset, data in writes:
            address = base + RAM_BASE + offset
            made.append(Write(address, state.memory.read(address, len(data)), data))
            state.memory.write(address, data)
        for change in changes:
            state.regs[cpu][change.register] = change.new
        kind, code, vector = (StepKind.DELIVERY, b"", 3) if delivery else (StepKind.INSN, b"\x90", -1)
        step = Step(moment, cpu, kind, rip, code, vector, 5 if delivery else -1, changes, tuple(made))
        trace.append(step)
        steps.append(step)
        digests.append(state.digest())
    return trace, steps, digests


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
