"""Versions of code: which one an instruction was decoded from, on a trace made by hand where every answer is known."""

from __future__ import annotations

import pytest

from tests.core.trace.recorded import blank
from trapscope.core.image import Image
from trapscope.core.image.flow import Role
from trapscope.core.trace import Trace, TraceIndex
from trapscope.core.types import DIRECT_MAP, KERNEL_MAP, RAM_BASE, Step, StepKind, Write
from trapscope.core.why import Bytes
from trapscope.core.why.chain import Chain, EndCode, Tracing
from trapscope.core.why.decoded import decoded
from trapscope.core.why.producers import Producers

SITE = KERNEL_MAP + RAM_BASE + 0x100
ALIAS = DIRECT_MAP + RAM_BASE + 0x100


def poked(*stores: tuple[int, str], code: str) -> TraceIndex:
    """A trace of stores to the site, (offset, bytes) each, and then an instruction there as a CPU decoded it."""
    state = blank()
    steps: list[Step] = []
    trace = Trace(state)
    for offset, new in stores:
        data = bytes.fromhex(new)
        write = Write(ALIAS + offset, state.memory.read(ALIAS + offset, len(data)), data)
        steps.append(Step(len(steps), 1, StepKind.INSN, KERNEL_MAP, b"\x90", -1, -1, (), (write,)))
        state.memory.write(ALIAS + offset, data)
    steps.append(Step(len(steps), 0, StepKind.INSN, SITE, bytes.fromhex(code), -1, -1, (), ()))
    for step in steps:
        trace.append(step)
    return TraceIndex(trace)


STORES = [(0, "0f1f440000"), (0, "cc"), (1, "11223344"), (0, "e8")]
"""A nop, an int3 on it, another tail, and the call."""


@pytest.mark.parametrize(
    ("stores", "code", "parts", "stale"),
    [
        ([], "0000", [(0, 2, None)], False),
        (STORES, "e811223344", [(0, 1, 3), (1, 4, 2)], False),
        (STORES, "cc", [(0, 1, 1)], True),
        (STORES, "0f1f440000", [(0, 5, 0)], True),
        (STORES, "0000000000", [(0, 5, None)], True),
        ([*STORES, (0, "0f1f440000")], "0f1f440000", [(0, 5, 4)], False),
        # Torn: the first byte of the call, the tail of the nop; then bytes that memory never held at all.
        (STORES, "e81f440000", [(0, 1, 3), (1, 4, 0)], True),
        (STORES, "e8ffffffff", [(0, 1, 3), (1, 4, None)], True),
    ],
)
def test_the_version_is_the_newest_that_has_the_bytes_as_they_were_decoded(
    stores: list[tuple[int, str]], code: str, parts: list[tuple[int, int, int | None]], stale: bool
) -> None:
    assert decoded(poked(*stores, code=code), len(stores)) == (tuple(parts), stale)


def traced(image: Image, index: TraceIndex, place: Bytes) -> Chain:
    return Tracing(Producers(image, index), 16).chain(place, len(index.trace))


def test_a_value_that_several_stores_made_is_told_in_parts_the_latest_first(image: Image) -> None:
    chain = traced(image, poked(*STORES, code="90"), Bytes(SITE - 2, 8))
    asked = chain.links[0]
    assert (asked.value.hex(), asked.step, asked.end) == ("0000e81122334400", None, None)
    assert {source.role for source in asked.sources} == {Role.PART}
    parts = [chain.links[source.link] for source in asked.sources]
    assert [(part.place, part.value.hex(), part.step) for part in parts] == [
        (Bytes(SITE, 1), "e8", 3),
        (Bytes(SITE + 1, 4), "11223344", 2),
        (Bytes(SITE - 2, 2), "0000", None),
        (Bytes(SITE + 5, 1), "00", None),
    ]
    assert [part.end.code for part in parts[2:] if part.end is not None] == [EndCode.START, EndCode.START]


def test_a_part_of_one_store_is_told_as_that_stores(image: Image) -> None:
    chain = traced(image, poked(*STORES, code="90"), Bytes(SITE + 2, 2))
    assert (chain.links[0].value.hex(), chain.links[0].step) == ("2233", 2)


def test_a_store_that_its_instruction_does_not_explain_is_said_to_be_unknown(image: Image) -> None:
    """The trace says that a NOP stored something: nobody can say from what."""
    chain = traced(image, poked(*STORES, code="90"), Bytes(SITE, 1))
    assert chain.links[0].end is not None
    assert (chain.links[0].end.code, "an effect of 90" in chain.links[0].end.words) == (EndCode.UNTRACKED, True)
