"""Random runs: moves to draw, and the trace, the steps and the digests that they make without the trace's help."""

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
