"""The closed list of QEMU's mistakes: what it covers, and that it covers nothing beside that."""

from __future__ import annotations

import pytest

from trapscope.core.types import Step, StepKind, Write
from trapscope.oracle.lockstep import IDT_ERROR_CODE, SAVED_RF, allowed_difference

_RF = 1 << 16
_TOP = 0xFFFFFFFF81010000


def delivery(vector: int, words: int) -> Step:
    """A delivery that pushed so many words: SS, RSP, RFLAGS, CS, RIP and perhaps an error code."""
    pushes = tuple(Write(_TOP - 8 * n, bytes(8), bytes(8)) for n in range(1, words + 1))
    return Step(0, 0, StepKind.DELIVERY, 0, b"", vector, -1, (), pushes)


def word(n: int) -> int:
    """The address of the n-th push, from 0."""
    return _TOP - 8 * (n + 1)


def test_the_saved_rf_of_a_fault_is_qemus_mistake() -> None:
    assert allowed_difference((delivery(6, 5),), word(2), 2 | _RF, 2) == SAVED_RF


def test_the_error_code_of_a_fault_at_an_idt_gate_is_qemus_mistake() -> None:
    assert allowed_difference((delivery(13, 6),), word(5), 3 * 8 + 2, 3 * 16 + 2) == IDT_ERROR_CODE


@pytest.mark.parametrize(
    ("vector", "words", "at", "ours", "theirs"),
    [
        (3, 5, 2, 2 | _RF, 2),  # INT3 is no fault: it saves RF as it is
        (6, 5, 2, 2, 2 | _RF),  # the other way round
        (6, 5, 2, 2 | _RF, 3),  # another flag differs too
        (6, 5, 4, 2 | _RF, 2),  # not the flags' word
        (13, 6, 5, 0x10, 0x22),  # an error code that names the GDT
        (14, 6, 5, 0x1B, 0x32),  # an external event sets bit 0
        (13, 6, 4, 0x1A, 0x32),  # not the error code's word
    ],
)
def test_nothing_else_is_allowed(vector: int, words: int, at: int, ours: int, theirs: int) -> None:
    assert allowed_difference((delivery(vector, words),), word(at), ours, theirs) is None
