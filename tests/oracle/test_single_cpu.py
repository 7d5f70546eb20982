"""Every run that one CPU can play to its end, instruction by instruction beside QEMU."""

from __future__ import annotations

import pytest

from tests.oracle.conftest import Beside
from trapscope.core.session.catalogue import CATALOGUE
from trapscope.core.types import RunSpec
from trapscope.oracle.lockstep import SAVED_RF
from trapscope.oracle.runs import one_cpu_runs


def name_of(spec: RunSpec) -> str:
    return "-".join((spec.scenario, spec.design, *spec.variants))


@pytest.mark.parametrize("spec", list(one_cpu_runs()), ids=name_of)
def test_qemu_does_the_same(beside: Beside, spec: RunSpec) -> None:
    result = beside.compare(spec, CATALOGUE[spec.scenario].schedule_under(spec.design))

    assert result.instructions > 1000
    assert result.deliveries >= 1
    assert result.allowed == ({SAVED_RF: result.faults} if result.faults else {})


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
