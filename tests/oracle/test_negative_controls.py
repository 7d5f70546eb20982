"""Would the comparison notice? Two deliveries done wrong on purpose; each must fail at the step that does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.oracle.conftest import Beside
from trapscope.core.image import Image
from trapscope.core.machine import deliveries
from trapscope.core.machine.delivery import Interrupted, Outcome, deliver
from trapscope.core.machine.faults import Event
from trapscope.core.types import RunSpec, Step, StepKind
from trapscope.oracle import Disagreement, record

#: Runs into its int3 with RSP % 16 = 8.
RSP_IS_ODD = RunSpec("stack-room", "thread", ("rsp-8",))

Mistake = Callable[[Outcome, Interrupted], Outcome]


def ss_is_kept_at_ist(outcome: Outcome, interrupted: Interrupted) -> Outcome:
    return replace(outcome, ss=interrupted.ss)


def rsp_is_not_aligned(outcome: Outcome, interrupted: Interrupted) -> Outcome:
    shift = interrupted.rsp & 0xF
    pushes = tuple((address + shift, word) for address, word in outcome.pushes)
    return replace(outcome, pushes=pushes, rsp=outcome.rsp + shift)


def step_of_vector(steps: tuple[Step, ...], vector: int) -> int:
    """The index of QEMU's stop that holds the first delivery of a vector."""
    index = next(i for i, step in enumerate(steps) if step.kind is StepKind.DELIVERY and step.vector == vector)
    return index - 1 if vector == 3 else index


@pytest.mark.parametrize(
    ("mistake", "spec", "schedule", "vector", "register"),
    [
        (ss_is_kept_at_ist, RunSpec("first-call", "thread"), "0>&do_int3 nmi@0 0>.", 2, "ss"),
        (rsp_is_not_aligned, RSP_IS_ODD, "0>.", 3, "rsp"),
    ],
)
def test_a_wrong_delivery_is_found_at_its_step(
    beside: Beside,
    image: Image,
    monkeypatch: pytest.MonkeyPatch,
    mistake: Mistake,
    spec: RunSpec,
    schedule: str,
    vector: int,
    register: str,
) -> None:
    expected = step_of_vector(record(image, spec, schedule).steps, vector)

    def deliver_wrongly(event: Event, interrupted: Interrupted, *rest: Any) -> Outcome:
        outcome = deliver(event, interrupted, *rest)
        return mistake(outcome, interrupted) if event.vector == vector else outcome

    monkeypatch.setattr(deliveries, "deliver", deliver_wrongly)

    with pytest.raises(Disagreement, match=f"differ in .*{register}") as caught:
        beside.compare(spec, schedule)
    assert caught.value.step == expected


def test_a_difference_names_the_step_both_states_and_the_source_line(
    beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deliver_wrongly(event: Event, interrupted: Interrupted, *rest: Any) -> Outcome:
        return rsp_is_not_aligned(deliver(event, interrupted, *rest), interrupted)

    monkeypatch.setattr(deliveries, "deliver", deliver_wrongly)

    with pytest.raises(Disagreement) as caught:
        beside.compare(RSP_IS_ODD)

    report = str(caught.value)
    assert "after moment" in report
    assert "workload.c:" in report
    assert "delivery of vector 3" in report
    assert "machine              QEMU" in report
