"""Who set which bits of a register, against a walk back over every step that asks each what its instruction sets."""

from __future__ import annotations

from random import Random

import pytest

from tests.core.lens.played import played
from tests.core.trace.recorded import blank
from trapscope.core.image import Image
from trapscope.core.image.flow import CF, IF, NT, RF, TF, ZF, Part
from trapscope.core.image.flows import Flows
from trapscope.core.trace import Trace, TraceIndex
from trapscope.core.types import CS, GS_BASE, MASK64, RAX, RFLAGS, RIP, RSP, SS, RegisterChange, Step, StepKind
from trapscope.core.why.writers import FIELDS, Writers

FLOWS = Flows()
PARTS = [Part(RAX), Part(RAX, 0xFF), Part(RAX, 0xFF00), Part(RSP), Part(RIP), Part(GS_BASE), Part(CS)]
PARTS += [Part(RFLAGS, mask) for mask in (CF, ZF, IF, CF | ZF, MASK64)]


def walked(steps: list[Step], cpu: int, part: Part, before: int) -> list[tuple[int, int | None]]:
    """The same as Writers.of, bit by bit."""
    left = part.mask
    found: list[tuple[int, int | None]] = []
    for step in reversed(steps[:before]):
        if step.cpu != cpu:
            continue
        mine = left & sets(step, part.register)
        if mine:
            found.append((mine, step.moment))
            left &= ~mine
        if not left:
            return found
    return [*found, (left, None)]


def sets(step: Step, register: int) -> int:
    """The bits of the register that the step set: as the flow says, widened to whole fields, and what it changed."""
    if step.vector >= 0:
        said = MASK64 if register in (RIP, CS, SS, RSP) else 0
        said |= TF | IF | NT | RF if register == RFLAGS else 0  # SDM vol. 3A, 6.12.1.3: the others stay
    else:
        said = 0
        for part in FLOWS.of(step.code).registers:
            said |= part.mask if part.register == register else 0
    for change in step.regs:
        said |= change.old ^ change.new if change.register == register else 0
    return sum(field.mask for field in FIELDS if field.register == register and field.mask & said)


@pytest.mark.parametrize(("scenario", "fetch"), [("first-call", "coherent"), ("patch-live", "weak")])
def test_the_last_steps_that_set_a_part_are_those_that_a_walk_back_finds(
    image: Image, scenario: str, fetch: str
) -> None:
    trace = played(image, scenario, fetch=fetch).trace
    steps, writers, draw = list(trace.steps()), Writers(TraceIndex(trace), FLOWS), Random(5)
    cpus = 1 + max(step.cpu for step in steps)
    for _ in range(150):
        cpu, part, before = draw.randrange(cpus), draw.choice(PARTS), draw.randint(0, len(steps))
        assert writers.of(cpu, part, before) == walked(steps, cpu, part, before), (cpu, part, before)


def test_a_transfer_is_a_step_after_which_its_cpu_stood_elsewhere_than_behind_its_instruction(image: Image) -> None:
    trace = played(image, "patch-live").trace
    steps, writers = list(trace.steps()), Writers(TraceIndex(trace), FLOWS)
    last: dict[int, int | None] = {0: None, 1: None}
    for step in steps:
        assert writers.last_transfer(step.cpu, step.moment) == last[step.cpu]
        after = next((change.new for change in step.regs if change.register == RIP), step.rip)
        if step.vector >= 0 or after != step.rip + len(step.code):
            last[step.cpu] = step.moment


def test_no_two_fields_share_a_bit_and_together_they_are_every_bit() -> None:
    for register in {field.register for field in FIELDS}:
        masks = [field.mask for field in FIELDS if field.register == register]
        assert sum(masks) == MASK64
    assert sorted(FIELDS, key=lambda field: field.register) == list(FIELDS)


def test_a_change_that_no_instruction_explains_counts_as_set_by_its_step() -> None:
    """A NOP that changes one byte of rbx, behind one that sets all of it: the trace is believed."""
    trace = Trace(blank())
    for moment, (old, new, code) in enumerate([(0, 0x1111, "48c7c311110000"), (0x1111, 0x2211, "90")]):
        change = RegisterChange(1, old, new)
        trace.append(Step(moment, 0, StepKind.INSN, 0x10, bytes.fromhex(code), -1, -1, (change,), ()))
    assert Writers(TraceIndex(trace), FLOWS).of(0, Part(1), 2) == [(0xFF00, 1), (MASK64 & ~0xFF00, 0)]
