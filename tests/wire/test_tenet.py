"""A reader of Tenet's format, written from its description alone, follows the text to the states of the run."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.core.lens.played import played
from trapscope.core.errors import BadInput
from trapscope.core.image import Image
from trapscope.core.reading import Reading
from trapscope.core.session import Session
from trapscope.core.types import KERNEL_MAP, RAM_BASE, RAM_SIZE, REGISTERS, RIP, RSP
from trapscope.wire import exports

#: All that Tenet's plugins/tenet/trace/arch/amd64.py has; its reader gives up at any other name.
AMD64 = {
    "RAX", "RBX", "RCX", "RDX", "RBP", "RSP", "RSI", "RDI",
    "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15", "RIP",
}  # fmt: skip
RUNS = [("first-call", "thread", 0), ("four-contexts", "gap", 0), ("patch-live", "thread", 0), ("patch-live", "gap", 1)]


class Reader:
    """What Tenet knows after some lines: registers, and every byte that was read or written."""

    def __init__(self) -> None:
        self.registers: dict[str, int] = {}
        self.memory: dict[int, int] = {}
        self.reads = 0

    def take(self, line: str) -> None:
        names = []
        for item in line.removesuffix("\n").split(","):
            name, value = item.split("=")
            names.append(name.upper())
            if name.upper() in AMD64:
                self.registers[name.upper()] = int(value, 16)
                continue
            assert name.upper() in ("MR", "MW")
            address, data = value.split(":")
            for at, byte in enumerate(bytes.fromhex(data), int(address, 16)):
                if name.upper() == "MW":
                    self.memory[at] = byte
                else:
                    assert self.memory.get(at, 0) == byte
                    self.reads += 1
        assert "RIP" in names


def text_of(session: Session, cpu: int | None) -> list[str]:
    return "".join(exports.lines("tenet", Reading(session), cpu)).splitlines(keepends=True)


@pytest.mark.parametrize(("scenario", "design", "cpu"), RUNS)
def test_every_line_leads_to_the_state_before_the_cpus_next_step(
    image: Image, scenario: str, design: str, cpu: int
) -> None:
    session = played(image, scenario, design)
    own = [step.moment for step in session.trace.steps() if step.cpu == cpu]
    lines = text_of(session, cpu)
    moments = [*own, len(session.trace)]
    assert len(lines) == len(moments)
    reader = Reader()
    for number, (line, moment) in enumerate(zip(lines, moments, strict=True)):
        reader.take(line)
        if number % 97 and number < len(lines) - 1:
            continue
        state = session.trace.seek(moment)
        expected = dict(zip(map(str.upper, REGISTERS), state.regs[cpu], strict=True))
        assert reader.registers == {name: expected[name] for name in AMD64}
        ram = state.memory.read(KERNEL_MAP + RAM_BASE, RAM_SIZE)
        assert {at: byte for at, byte in reader.memory.items() if byte} == {
            KERNEL_MAP + RAM_BASE + at: byte for at, byte in enumerate(ram) if byte
        }
    assert reader.reads > 100


def test_the_first_line_holds_all_registers_and_rip_comes_last_of_them(image: Image) -> None:
    first, *others = text_of(played(image, "first-call"), None)
    names = [item.split("=")[0] for item in first.split(",")]
    assert {name.upper() for name in names if name != "mw"} == AMD64
    assert names[16] == "rip"
    for line in others:
        registers = [name for item in line.split(",") if (name := item.split("=")[0]) not in ("mr", "mw")]
        assert registers[-1] == "rip"
        assert registers.count("rip") == 1


def test_a_return_reads_the_word_that_it_pops_and_no_more(image: Image) -> None:
    session = played(image, "first-call")
    lines = text_of(session, None)
    returns = [step for step in session.trace.steps() if step.code == b"\xc3"]
    for step in returns:
        stack = session.trace.seek(step.moment).regs[0][RSP]
        items = [item for item in lines[step.moment + 1].strip().split(",") if item.startswith("m")]
        rip = session.trace.seek(step.moment + 1).regs[0][RIP]
        assert items == [f"mr={stack:#x}:{rip.to_bytes(8, 'little').hex()}"]
    assert len(returns) > 20


def test_pieces_read_as_one(image: Image) -> None:
    reading = Reading(played(image, "patch-live"))
    length = len(reading.session.trace)
    export = exports.begin("tenet", reading, length, 1)
    cuts = [*range(0, length, 100), length]
    pieces = [line for first, end in pairwise(cuts) for line in export.steps(first, end)]
    assert pieces == list(export.steps(0, length))


@pytest.mark.parametrize(("scenario", "cpu"), [("patch-live", None), ("patch-live", 2), ("first-call", 1)])
def test_whose_side_it_is_must_be_clear(image: Image, scenario: str, cpu: int | None) -> None:
    with pytest.raises(BadInput, match=r"cpu 0 to 1|no CPU"):
        text_of(played(image, scenario), cpu)
