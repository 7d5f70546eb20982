"""What a step took, on steps made by hand: outcomes that no scenario of today comes to."""

from __future__ import annotations

import pytest

from tests.core.trace.recorded import blank
from trapscope.core.image import Image
from trapscope.core.image.flow import ZF, Role
from trapscope.core.trace import State, Trace, TraceIndex
from trapscope.core.types import KERNEL_MAP, RAM_BASE, RAX, RBX, RCX, RFLAGS, RegisterChange, Step, StepKind, Write
from trapscope.core.why.chain import Chain, EndCode, Tracing
from trapscope.core.why.place import Bytes, Place, Register
from trapscope.core.why.producers import Producers

CODE, CELL = KERNEL_MAP + RAM_BASE + 0x100, KERNEL_MAP + RAM_BASE + 0x200
CMPXCHG = "f0480fb10b"
"""lock cmpxchg [rbx], rcx"""


def start(**registers: int) -> State:
    state = blank()
    for name, value in registers.items():
        state.regs[0][{"rax": RAX, "rbx": RBX, "rcx": RCX, "rflags": RFLAGS}[name]] = value
    return state


def after(image: Image, before: State, code: str, place: Place, *, regs: dict[int, int], new: bytes = b"") -> Chain:
    """The chain of the place behind one instruction that changed these registers, and stored this to the cell."""
    trace = Trace(before)
    changes = tuple(RegisterChange(number, before.regs[0][number], value) for number, value in regs.items())
    writes = (Write(CELL, before.memory.read(CELL, len(new)), new),) if new else ()
    trace.append(Step(0, 0, StepKind.INSN, CODE, bytes.fromhex(code), -1, -1, changes, writes))
    return Tracing(Producers(image, TraceIndex(trace)), 16).chain(place, 1)


def taken(chain: Chain) -> list[tuple[Role, str]]:
    return [(source.role, str(chain.links[source.link].place)) for source in chain.links[0].sources]


def test_a_compare_and_exchange_that_succeeds_stores_its_source(image: Image) -> None:
    before = start(rax=0, rbx=CELL, rcx=7)
    chain = after(image, before, CMPXCHG, Bytes(CELL, 8), regs={RFLAGS: ZF}, new=(7).to_bytes(8, "little"))
    assert taken(chain)[0] == (Role.DATA, "rcx@0")
    assert (Role.ADDRESS, "rbx@0") in taken(chain)


def test_a_compare_and_exchange_that_fails_loads_what_was_there(image: Image) -> None:
    before = start(rax=5, rbx=CELL, rcx=7, rflags=ZF)
    chain = after(image, before, CMPXCHG, Register(0, RAX), regs={RAX: 0, RFLAGS: 0}, new=bytes(8))
    assert taken(chain) == [(Role.DATA, f"{CELL:#x}+8"), (Role.ADDRESS, "rbx@0")]


def test_what_a_device_answers_ends_the_chain_and_says_so(image: Image) -> None:
    before = start(rbx=0xFEE00020)
    chain = after(image, before, "8b03", Register(0, RAX), regs={RAX: 1 << 24})
    assert taken(chain) == [(Role.ADDRESS, "rbx@0")]
    assert chain.links[0].end is not None
    assert (chain.links[0].end.code, chain.links[0].end.words) == (EndCode.DEVICE, "the local APIC answered")
    assert chain.path == (0,)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("0f20d8", "it came from register cr3, which the trace does not record"),
        ("488b03", "it came from memory at 0x1000, which the trace does not record"),
    ],
)
def test_what_the_trace_does_not_record_ends_the_chain_by_name(image: Image, code: str, words: str) -> None:
    chain = after(image, start(rbx=0x1000), code, Register(0, RAX), regs={RAX: 9})
    assert chain.links[0].end is not None
    assert (chain.links[0].end.code, chain.links[0].end.words) == (EndCode.UNTRACKED, words)


def test_above_what_was_loaded_a_register_is_the_instructions_own_zeroes(image: Image) -> None:
    before = start(rbx=CELL, rax=1 << 40)
    chain = after(image, before, "8b03", Register(0, RAX, 0xFF << 40), regs={RAX: 0})
    assert chain.links[0].end is not None
    assert (chain.links[0].end.code, taken(chain)) == (EndCode.CONSTANT, [(Role.ADDRESS, "rbx@0")])
