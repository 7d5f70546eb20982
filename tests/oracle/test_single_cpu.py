"""Every run that one CPU can play to its end, instruction by instruction beside QEMU."""

from __future__ import annotations

import pytest

from tests.oracle.conftest import Beside
from trapscope.core.types import RunSpec

SCENARIOS = ("first-call", "livepatch-window")
DESIGNS = ("skip", "thread")


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_qemu_does_the_same(beside: Beside, scenario: str, design: str) -> None:
    result = beside.compare(RunSpec(scenario, design))

    assert result.instructions > 1000
    assert result.deliveries >= 1
    assert not result.allowed


@pytest.mark.parametrize(
    "schedule",
    [
        "0>&int3 nmi@0 0>.",
        "0>&do_int3 nmi@0 0>.",
        "0>&ftrace_int3_stub_regs_caller nmi@0 0>.",
        "0*1 irq@0 0>.",
        "0>&do_int3 irq@0 0>.",
        "0>&ftrace_int3_stub_regs_caller irq@0 0>.",
        "0>&do_int3 mce@0 0>.",
        "0>&ftrace_int3_stub_regs_caller irq@0 nmi@0 0>.",
    ],
)
def test_qemu_takes_an_injected_interrupt_at_the_same_instruction(beside: Beside, schedule: str) -> None:
    result = beside.compare(RunSpec("first-call", "thread"), schedule)

    assert result.deliveries == 1 + schedule.count("@")
