"""Walking a run: every answer of the index against a walk step by step."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.lens.played import played
from trapscope.core.image import Image
from trapscope.core.session import Session
from trapscope.core.types import REGISTERS, RIP, StepKind, ram_offset
from trapscope.gdb.replay import Cause, Halt, Replay


def two_cpus(image: Image) -> Session:
    return played(image, "torn")


def breaks(session: Session, moment: int, addresses: set[int]) -> int | None:
    """The CPU that is about to execute an instruction at one of the addresses as step `moment`."""
    step = session.trace.step(moment)
    return step.cpu if step.kind is StepKind.INSN and step.rip in addresses else None


def writes(session: Session, moment: int, watched: set[tuple[int, int]]) -> bool:
    for write in session.trace.step(moment).writes:
        try:
            first = ram_offset(write.addr)
        except ValueError:
            continue  # a device's
        for address, length in watched:
            if first < ram_offset(address) + length and ram_offset(address) < first + len(write.new):
                return True
    return False


@given(st.data())
@settings(max_examples=60)
def test_going_on_and_back_halt_where_a_walk_step_by_step_meets_something_first(
    image: Image, data: st.DataObject
) -> None:
    session = two_cpus(image)
    length = len(session.trace)
    replay = Replay(session)
    executed = sorted({session.trace.step(at).rip for at in range(0, length, 13)})
    replay.breakpoints = data.draw(st.sets(st.sampled_from(executed), max_size=3))
    stored = sorted({write.addr for at in range(length) for write in session.trace.step(at).writes if write.addr >> 32})
    replay.watchpoints = {(address, 4) for address in data.draw(st.sets(st.sampled_from(stored), max_size=2))}
    start = data.draw(st.integers(0, length))
    replay.go(start)
    halt = replay.go_on(0)
    for moment in range(start, length + 1):
        if moment < length and breaks(session, moment, replay.breakpoints) is not None:
            assert (halt.moment, halt.cause) == (moment, Cause.BREAKPOINT)
            break
        if moment > start and writes(session, moment - 1, replay.watchpoints):
            assert (halt.moment, halt.cause) == (moment, Cause.WATCHPOINT)
            break
    else:
        assert halt == Halt(length, 0, Cause.END)
    replay.go(start)
    halt = replay.go_back(0)
    for moment in range(start - 1, -1, -1):
        if breaks(session, moment, replay.breakpoints) is not None or writes(session, moment, replay.watchpoints):
            assert halt.moment == moment
            break
    else:
        assert halt == Halt(0, 0, Cause.BEGIN)


@given(st.data())
@settings(max_examples=40)
def test_a_step_moves_one_cpu_by_one_step_and_a_step_back_undoes_it(image: Image, data: st.DataObject) -> None:
    session = two_cpus(image)
    replay, cpu = Replay(session), data.draw(st.integers(0, 1))
    replay.go(data.draw(st.integers(0, len(session.trace))))
    before, from_moment = replay.registers(cpu), replay.moment
    halt = replay.step(cpu)
    made = [step for step in session.trace.steps(from_moment, halt.moment) if step.cpu == cpu]
    if halt.cause is Cause.END:
        assert (made, halt.moment) == ([], len(session.trace))
        return
    assert len(made) == 1
    assert session.trace.step(halt.moment - 1).cpu == cpu
    assert replay.registers(cpu) == session.trace.seek(halt.moment).regs[cpu]
    back = replay.step_back(cpu)
    assert back.cause is Cause.STEP
    assert replay.registers(cpu) == before


def test_a_stepping_cpu_halts_where_another_meets_a_breakpoint_before(image: Image) -> None:
    session = two_cpus(image)
    mine = next(step for step in session.trace.steps() if step.cpu == 0)
    theirs = next(step for step in session.trace.steps(mine.moment) if step.cpu == 1 and step.kind is StepKind.INSN)
    after = next(step for step in session.trace.steps(theirs.moment) if step.cpu == 0)
    replay = Replay(session)
    replay.go(theirs.moment)
    replay.breakpoints = {theirs.rip}
    assert replay.step(0) == Halt(theirs.moment, 1, Cause.BREAKPOINT)
    replay.breakpoints = set()
    assert replay.step(0) == Halt(after.moment + 1, 0, Cause.STEP)


def test_registers_and_memory_are_those_of_the_trace_at_every_moment(image: Image) -> None:
    session = two_cpus(image)
    replay = Replay(session)
    site = image.symbol("traced_fn").address
    for moment in range(0, len(session.trace) + 1, 97):
        replay.go(moment)
        state = session.trace.seek(moment)
        assert [replay.registers(cpu) for cpu in range(2)] == state.regs
        assert replay.memory(site, 5) == state.memory.read(site, 5)
        assert len(replay.registers(0)) == len(REGISTERS)
        assert replay.registers(0)[RIP] == state.regs[0][RIP]


def test_a_moment_outside_the_run_is_refused(image: Image) -> None:
    replay = Replay(two_cpus(image))
    with pytest.raises(IndexError, match="no moment"):
        replay.go(replay.length + 1)
