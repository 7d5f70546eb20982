"""Places as text: what is written is read back as the same place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trapscope.core.types import MASK64, REGISTER_INDEX, RFLAGS
from trapscope.core.why.place import FLAGS, Register, register_named

RAX, R8 = REGISTER_INDEX["rax"], REGISTER_INDEX["r8"]

byte_ranges = (
    st.tuples(st.integers(0, 7), st.integers(1, 8))
    .filter(lambda ends: ends[0] < ends[1])
    .map(lambda ends: (1 << 8 * ends[1]) - (1 << 8 * ends[0]))
)
registers = st.builds(Register, st.integers(0, 3), st.integers(0, 15), byte_ranges) | st.builds(
    Register, st.integers(0, 3), st.just(RFLAGS), st.integers(1, MASK64)
)


@given(registers)
def test_the_text_of_a_register_names_the_same_bits_again(place: Register) -> None:
    name, _, cpu = str(place).partition("@")
    assert register_named(name, int(cpu)) == place


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Register(0, RAX), "rax@0"),
        (Register(1, RAX, 0xFFFFFFFF), "eax@1"),
        (Register(0, RAX, 0xFF00), "ah@0"),
        (Register(0, RAX, MASK64 & ~0xFF), "rax[1:8]@0"),
        (Register(0, R8, 0xFF), "r8b@0"),
        (Register(0, RFLAGS, FLAGS["zf"]), "rflags[zf]@0"),
        (Register(0, RFLAGS, FLAGS["cf"] | FLAGS["of"]), "rflags[cf,of]@0"),
        (Register(0, REGISTER_INDEX["cs"]), "cs@0"),
    ],
)
def test_a_part_has_the_name_that_the_manual_gives_it(place: Register, text: str) -> None:
    assert str(place) == text


def test_a_part_holds_its_bits_shifted_down_and_flags_hold_them_in_place() -> None:
    assert Register(0, RAX, 0xFF00).value(0x1234) == 0x12
    assert Register(0, RFLAGS, FLAGS["zf"]).value(0x246) == 0x40


@pytest.mark.parametrize(
    "name", ["xyz", "rax[", "rax[1]", "rax[3:3]", "rax[0:9]", "rflags[]", "rflags[xx]", "xmm0", "RAX", ""]
)
def test_what_is_no_register_of_a_trace_is_none(name: str) -> None:
    assert register_named(name, 0) is None
