"""Why a flag is as it is: only what can set the flag is named. What can is asked of Capstone, not of our own rules."""

from __future__ import annotations

from functools import cache
from typing import Final

import capstone
import pytest
from capstone import x86_const

from tests.core.lens.played import played
from trapscope.core.image import Image
from trapscope.core.image.flow import Part
from trapscope.core.image.flows import Flows
from trapscope.core.session.catalogue import CATALOGUE
from trapscope.core.trace import TraceIndex
from trapscope.core.types import RFLAGS
from trapscope.core.why import Inquiry
from trapscope.core.why.place import FLAGS, Bytes
from trapscope.core.why.writers import Writers

#: SDM vol. 2: these replace all of the flags; Capstone says so of some only.
ALL: Final = ("popfq", "iretq")
#: SDM vol. 3A, 6.12.1.3: IF through an interrupt gate; the others always (VM is 0 in 64-bit mode).
BY_DELIVERY: Final = {"tf", "if", "nt", "rf"}
EFFECTS: Final = ("MODIFY", "RESET", "SET", "UNDEFINED", "PRIOR")
DISASSEMBLER: Final = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
DISASSEMBLER.detail = True


@cache
def affected(code: bytes) -> frozenset[str]:
    """The flags that an instruction can set."""
    insn = next(DISASSEMBLER.disasm(code, 0))
    if insn.mnemonic in ALL:
        return frozenset(FLAGS)
    bits = {
        flag: [getattr(x86_const, f"X86_EFLAGS_{effect}_{flag.upper()}", 0) for effect in EFFECTS] for flag in FLAGS
    }
    return frozenset(flag for flag, masks in bits.items() if any(insn.eflags & mask for mask in masks))


@pytest.mark.parametrize("scenario", CATALOGUE)
def test_no_flag_is_said_to_come_from_what_cannot_set_it(image: Image, scenario: str) -> None:
    session = played(image, scenario)
    trace = session.trace
    writers = Writers(TraceIndex(trace), Flows())
    moments = sorted({min(event.moment + 1, len(trace)) for event in session.events} | {len(trace)})
    for moment in moments:
        for cpu in range(session.spec.cpus):
            for flag, mask in FLAGS.items():
                ((_, origin),) = writers.of(cpu, Part(RFLAGS, mask), moment)
                if origin is None:
                    continue
                step = trace.step(origin)
                able = BY_DELIVERY if step.vector >= 0 else affected(step.code)
                assert flag in able, f"{scenario}: {flag}@{cpu} at {moment} from step {origin}: {step.code.hex(' ')}"


def test_if_after_a_delivery_comes_from_the_gate_that_it_went_through(image: Image) -> None:
    inquiry = Inquiry(played(image, "first-call"))
    asked, gate = inquiry.why("rflags[if]@0", "frame-pushed").links[:2]
    assert asked.step is not None
    assert inquiry.session.trace.step(asked.step).vector == 3
    assert gate.place == Bytes(image.symbol("idt_table").address + 3 * 16 + 5, 1)
    assert gate.value[0] & 0xF == 0xE  # an interrupt gate, SDM vol. 3A, table 3-2


def test_a_flag_that_a_delivery_leaves_alone_comes_from_the_instruction_before_it(image: Image) -> None:
    inquiry = Inquiry(played(image, "first-call"))
    (asked, *_) = inquiry.why("rflags[zf]@0", "frame-pushed").links
    assert asked.step is not None
    step = inquiry.session.trace.step(asked.step)
    assert step.vector < 0
    assert "zf" in affected(step.code)
