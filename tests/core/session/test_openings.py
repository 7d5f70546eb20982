"""What is told at moment 0 is so at moment 0: bytes, places, tasks and depth, in every design and variant."""

from __future__ import annotations

import re
from functools import cache

import pytest

from trapscope.core.image import Image
from trapscope.core.machine import Machine
from trapscope.core.session.catalogue import CATALOGUE, resolve, variants_of
from trapscope.core.session.openings import OPENINGS, Opening
from trapscope.core.session.params import booted
from trapscope.core.trace import Memory
from trapscope.core.types import GS_BASE, RIP

RUNS = [
    (scenario.name, design, variant)
    for scenario in CATALOGUE.values()
    for design in scenario.designs
    for variant in ("", *variants_of(scenario, design))
]
#: Words that tell of what has happened; at moment 0 nothing has.
TOLD_AS_PAST = re.compile(r"\b(has (written|run|come|saved|pushed)|is called\.|ran|trapped|wrote)\b")


def site_text(image: Image, memory: Memory, name: str) -> str:
    address = image.symbol(name).address
    return image.disassembler.text(address, memory.read(address, 5)).partition(" dword")[0]


@cache
def at_start(image: Image, scenario: str, design: str, variant: str) -> Machine:
    return booted(image, resolve(image, scenario, design, (variant,) if variant else ()))


@pytest.mark.parametrize(("scenario", "design", "variant"), RUNS)
def test_the_opening_is_true_of_moment_0(image: Image, scenario: str, design: str, variant: str) -> None:
    opening = OPENINGS[scenario]
    machine = at_start(image, scenario, design, variant)
    memory = Memory.of(machine.ram())
    assert {name: site_text(image, memory, name) for name in opening.sites} == opening.sites
    task, depth = image.struct("task_struct"), image.offset("task_struct", "thread_info.ftrace_int3_stack.depth")
    comm = task.member("comm")
    for cpu, (function, name) in enumerate(opening.cpus):
        regs = machine.registers(cpu)
        current = memory.u64(regs[GS_BASE] + image.symbol("current_task").address)
        assert (image.name(regs[RIP]) or "").partition("+")[0] == function
        assert memory.read(current + comm.offset, comm.size).rstrip(b"\0").decode() == name
        assert memory.u32(current + depth) == 0


@pytest.mark.parametrize("scenario", CATALOGUE)
def test_the_opening_says_what_it_claims(scenario: str) -> None:
    opening: Opening = OPENINGS[scenario]
    for insn in set(opening.sites.values()):
        what, _, target = insn.partition(" ")
        assert what in opening.text
        if target != "ftrace_stub":
            assert target in opening.text
    assert any(name in opening.text for name in opening.sites)
    assert ("CPU 1" in opening.text) == (len(opening.cpus) > 1)
    assert len(opening.cpus) == CATALOGUE[scenario].cpus


@pytest.mark.parametrize("scenario", CATALOGUE)
def test_the_opening_tells_nothing_as_if_it_had_happened(scenario: str) -> None:
    assert not TOLD_AS_PAST.search(OPENINGS[scenario].text)
    assert re.search(r"\bwill\b", OPENINGS[scenario].text)
