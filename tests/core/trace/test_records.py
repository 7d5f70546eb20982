"""The bytes that a run's hash is made of: what the table says, in however many pieces they are made."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from tests.wire.tape import Tape
from tests.wire.test_batch import tapes
from trapscope.core.trace.records import records
from trapscope.core.types import Step, StepKind


def by_hand(step: Step) -> bytes:
    """One step, packed field by field."""
    length, changes = len(step.code), len(step.regs)
    delivery = step.kind is StepKind.DELIVERY
    parts = [
        struct.pack(
            "<BBQhIBB", step.cpu, delivery, step.rip, step.vector, step.error_code & 0xFFFFFFFF, length, changes
        )
    ]
    parts.append(step.code)
    parts += [struct.pack("<BQQ", change.register, change.old, change.new) for change in step.regs]
    for write in step.writes:
        parts += [struct.pack("<QB", write.addr, len(write.new)), write.old, write.new]
    parts += [struct.pack("<QB", write.addr, len(write.new)) + write.new for write in step.device]
    return b"".join(parts)


@given(tapes(), st.data())
def test_any_pieces_of_a_trace_make_the_bytes_that_packing_each_step_makes(tape: Tape, data: st.DataObject) -> None:
    trace = tape.trace
    cut = data.draw(st.integers(0, len(trace)))
    made = [
        records(trace.between(first, end), trace.code_table)
        for first, end in ((0, cut), (cut, len(trace)))
        if first < end
    ]
    assert b"".join(made) == b"".join(map(by_hand, tape.steps))
