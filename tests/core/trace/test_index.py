"""Every answer of the index, against a scan over the steps that knows nothing of it; and that asking early or often
changes no answer."""

from collections.abc import Callable, Iterable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.lens.played import played
from tests.core.trace.recorded import CPUS, Move, blank, recorded, words
from trapscope.core.image import Image
from trapscope.core.trace import Trace, TraceIndex
from trapscope.core.types import DIRECT_MAP, KERNEL_MAP, MASK64, RAM_BASE, RAM_SIZE, RIP, Step, StepKind, ram_offset

#: Few addresses, registers and values, so that questions and steps meet.
FEW = 24
crowded_stores = st.lists(
    st.tuples(st.sampled_from([KERNEL_MAP, DIRECT_MAP]), st.integers(0, FEW), st.binary(min_size=1, max_size=8)),
    max_size=3,
)
crowded_changes = st.dictionaries(st.integers(0, 3), st.integers(0, 3) | words, max_size=3)
crowded = st.lists(
    st.tuples(st.integers(0, CPUS - 1), st.booleans(), st.integers(0, FEW), crowded_changes, crowded_stores),
    max_size=60,
)
masks = st.sampled_from([MASK64, 0xFF, 0xFF00, 2])


def first(found: Iterable[int]) -> int | None:
    return next(iter(found), None)


def writers_of(steps: list[Step], address: int, length: int) -> list[int]:
    """Every step that wrote one of the bytes."""
    asked = range(ram_offset(address), ram_offset(address) + length)
    return [
        step.moment
        for step in steps
        if any(ram_offset(w.addr) + i in asked for w in step.writes for i in range(len(w.new)))
    ]


def changers_of(steps: list[Step], cpu: int, register: int, mask: int) -> list[int]:
    """Every step that changed one of the register's bits."""
    return [
        step.moment
        for step in steps
        if step.cpu == cpu and any(c.register == register and (c.old ^ c.new) & mask for c in step.regs)
    ]


def executions_of(steps: list[Step], addresses: range, cpu: int | None) -> list[int]:
    return [
        step.moment
        for step in steps
        if step.kind is StepKind.INSN and step.rip in addresses and cpu in (None, step.cpu)
    ]


def stepped(step_of: Callable[[int], int], found: int | None) -> int | None:
    return None if found is None else step_of(found)


def before(steps: list[int], moment: int) -> int | None:
    return first(step for step in reversed(steps) if step < moment)


def start_at(steps: list[int], moment: int) -> int | None:
    return first(step for step in steps if step >= moment)


@given(crowded, st.sampled_from([KERNEL_MAP, DIRECT_MAP]), st.integers(0, FEW), st.integers(1, 12), st.data())
def test_the_writes_around_a_moment_are_those_that_a_scan_finds(
    plan: list[Move], base: int, offset: int, length: int, data: st.DataObject
) -> None:
    trace, steps, _ = recorded(plan)
    moment = data.draw(st.integers(0, len(steps)))
    index, address = TraceIndex(trace), base + RAM_BASE + offset
    known = writers_of(steps, address, length)
    assert stepped(index.step_of_write, index.last_write(address, length, moment)) == before(known, moment)
    assert stepped(index.step_of_write, index.next_write(address, length, moment)) == start_at(known, moment)


@given(crowded, st.integers(0, CPUS - 1), st.integers(0, 4), masks, st.data())
def test_the_changes_around_a_moment_are_those_that_a_scan_finds(
    plan: list[Move], cpu: int, register: int, mask: int, data: st.DataObject
) -> None:
    trace, steps, _ = recorded(plan)
    moment = data.draw(st.integers(0, len(steps)))
    index, known = TraceIndex(trace), changers_of(steps, cpu, register, mask)
    last, following = index.last_change(cpu, register, moment, mask), index.next_change(cpu, register, moment, mask)
    assert stepped(index.step_of_change, last) == before(known, moment)
    assert stepped(index.step_of_change, following) == start_at(known, moment)


@given(crowded, st.integers(0, FEW), st.integers(1, 6), st.sampled_from([None, 0, 1]), st.data())
def test_the_executions_around_a_moment_are_those_that_a_scan_finds(
    plan: list[Move], start: int, length: int, cpu: int | None, data: st.DataObject
) -> None:
    trace, steps, _ = recorded(plan)
    moment = data.draw(st.integers(0, len(steps)))
    index, known = TraceIndex(trace), executions_of(steps, range(start, start + length), cpu)
    assert index.previous_execution(start, start + length, moment, cpu) == before(known, moment)
    assert index.next_execution(start, start + length, moment, cpu) == start_at(known, moment)


@given(crowded, st.integers(0, FEW), st.integers(1, 12), st.data())
def test_values_at_a_moment_are_those_of_the_state_there(
    plan: list[Move], offset: int, length: int, data: st.DataObject
) -> None:
    trace, steps, _ = recorded(plan)
    moment = data.draw(st.integers(0, len(steps)))
    index, state, address = TraceIndex(trace), trace.seek(moment), KERNEL_MAP + RAM_BASE + offset
    assert index.memory(address, length, moment) == state.memory.read(address, length)
    assert [[index.register(cpu, register, moment) for register in range(5)] for cpu in range(CPUS)] == [
        file[:5] for file in state.regs
    ]


@given(crowded, st.integers(0, FEW), st.integers(1, 12), st.data())
def test_every_byte_has_the_writer_that_wrote_it_last(
    plan: list[Move], offset: int, length: int, data: st.DataObject
) -> None:
    trace, steps, _ = recorded(plan)
    moment = data.draw(st.integers(0, len(steps)))
    index, address = TraceIndex(trace), KERNEL_MAP + RAM_BASE + offset
    parts = index.writers(address, length, int(index.columns.write_end[moment]))
    covered = [byte for at, count, _ in parts for byte in range(at, at + count)]
    assert covered == list(range(length))
    for at, count, write in parts:
        for byte in range(at, at + count):
            expected = before(writers_of(steps, address + byte, 1), moment)
            assert stepped(index.step_of_write, write) == expected


@given(crowded, st.integers(0, FEW), st.integers(0, 3))
@settings(max_examples=40)
def test_an_index_that_is_asked_while_the_trace_grows_says_what_a_new_one_says(
    plan: list[Move], offset: int, register: int
) -> None:
    _, steps, _ = recorded(plan)
    address = KERNEL_MAP + RAM_BASE + offset
    growing = Trace(blank())
    asked_often = TraceIndex(growing)
    for step in steps:
        growing.append(step)
        asked_often.refresh()
        moment, asked_once = len(growing), TraceIndex(growing)
        for index in (asked_often, asked_once):
            assert index.register(step.cpu, register, moment) == growing.head.regs[step.cpu][register]
        assert asked_often.last_write(address, 8, moment) == asked_once.last_write(address, 8, moment)
        assert asked_often.last_change(0, register, moment) == asked_once.last_change(0, register, moment)
        assert asked_often.previous_execution(0, FEW, moment) == asked_once.previous_execution(0, FEW, moment)


@pytest.mark.parametrize(("address", "length"), [(0, 8), (KERNEL_MAP + RAM_BASE + RAM_SIZE - 4, 8), (KERNEL_MAP, 1)])
def test_bytes_outside_ram_are_refused_by_name(address: int, length: int) -> None:
    with pytest.raises(ValueError, match=f"{address:#x}"):
        TraceIndex(Trace(blank())).last_write(address, length, 0)


@pytest.mark.parametrize(
    ("scenario", "design", "fetch"),
    [("first-call", "thread", "coherent"), ("patch-live", "thread", "weak"), ("preempt-migrate", "percpu", "coherent")],
)
def test_the_answers_over_a_real_run_are_those_that_a_scan_finds(
    image: Image, scenario: str, design: str, fetch: str
) -> None:
    trace = played(image, scenario, design, fetch=fetch).trace
    steps, index, draw = list(trace.steps()), TraceIndex(trace), Random(1)
    written = sorted({write.addr for step in steps for write in step.writes})
    for _ in range(60):
        moment, cpu, register = draw.randint(0, len(steps)), draw.randrange(2), draw.randrange(RIP + 1)
        address, length = draw.choice(written) + draw.randint(-4, 4), draw.randint(1, 16)
        writers, changers = writers_of(steps, address, length), changers_of(steps, cpu, register, MASK64)
        rip = draw.choice(steps).rip
        runs = executions_of(steps, range(rip, rip + length), cpu)
        got = [
            stepped(index.step_of_write, index.last_write(address, length, moment)),
            stepped(index.step_of_write, index.next_write(address, length, moment)),
            stepped(index.step_of_change, index.last_change(cpu, register, moment)),
            index.previous_execution(rip, rip + length, moment, cpu),
            index.next_execution(rip, rip + length, moment, cpu),
        ]
        assert got == [
            before(writers, moment),
            start_at(writers, moment),
            before(changers, moment),
            before(runs, moment),
            start_at(runs, moment),
        ]
