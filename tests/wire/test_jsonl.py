"""A stranger checks a run by its JSON lines and the guest's ELF alone: no code of ours reads either here."""

from __future__ import annotations

import hashlib
import json
import struct
from itertools import pairwise
from typing import Any

import pytest

from tests.core.lens.played import played
from trapscope.core.image import Image
from trapscope.wire import jsonl

KERNEL_MAP, DIRECT_MAP = 0xFFFFFFFF80000000, 0xFFFF888000000000
RAM = range(0x1000000, 0x1100000)
RUNS = [
    ("first-call", "thread", ()),
    ("livepatch-window", "skip", ()),
    ("four-contexts", "gap", ()),
    ("patch-live", "thread", ()),
    ("stack-room", "gap", ("no-gap",)),
]

Line = dict[str, Any]


def lines_of(image: Image, scenario: str, design: str, variants: tuple[str, ...] = ()) -> list[Line]:
    return [json.loads(line) for line in jsonl.lines(played(image, scenario, design, *variants))]


class Machine:
    """What the ELF, the memory lines and the state lines say, followed step by step."""

    def __init__(self, elf: bytes, lines: list[Line]) -> None:
        self.ram = bytearray(len(RAM))
        (headers,) = struct.unpack_from("<Q", elf, 0x20)
        size, count = struct.unpack_from("<HH", elf, 0x36)
        for index in range(count):
            kind, _, offset, _, physical, length = struct.unpack_from("<IIQQQQ", elf, headers + index * size)
            if kind == 1 and physical in RAM:
                self.store(KERNEL_MAP + physical, elf[offset : offset + length])
        for line in lines:
            if line["type"] == "memory":
                self.store(int(line["addr"], 16), bytes.fromhex(line["bytes"]))
        self.cpus = {
            line["cpu"]: {name: int(value, 16) for name, value in line["regs"].items()}
            for line in lines
            if line["type"] == "state"
        }

    def load(self, address: int, length: int) -> bytes:
        start = self._at(address)
        return bytes(self.ram[start : start + length])

    def store(self, address: int, data: bytes) -> None:
        start = self._at(address)
        self.ram[start : start + len(data)] = data

    def _at(self, address: int) -> int:
        return address - (KERNEL_MAP if address >= KERNEL_MAP else DIRECT_MAP) - RAM.start

    def follow(self, step: Line) -> None:
        """Check a step against memory as it is, then make it."""
        regs = self.cpus[step["cpu"]]
        assert regs["rip"] == int(step["rip"], 16)
        if step["kind"] == "insn":
            assert self.load(regs["rip"], len(step["bytes"]) // 2).hex() == step["bytes"]
        for write in step["writes"]:
            if "device" in write:
                assert "old" not in write
                continue
            address, old = int(write["addr"], 16), bytes.fromhex(write["old"])
            assert self.load(address, len(old)) == old
            self.store(address, bytes.fromhex(write["new"]))
        regs |= {name: int(value, 16) for name, value in step["regs"].items()}


@pytest.mark.parametrize(("scenario", "design", "variants"), RUNS)
def test_every_old_byte_and_every_decoded_byte_is_there(
    image: Image, guest_elf: bytes, scenario: str, design: str, variants: tuple[str, ...]
) -> None:
    lines = lines_of(image, scenario, design, variants)
    machine = Machine(guest_elf, lines)
    steps = [line for line in lines if line["type"] == "step"]
    assert [step["n"] for step in steps] == list(range(len(steps)))
    for step in steps:
        machine.follow(step)
    assert lines[-1]["steps"] == len(steps)


@pytest.mark.parametrize("design", ["skip", "thread", "percpu", "gap"])
def test_events_say_what_memory_holds(image: Image, guest_elf: bytes, design: str) -> None:
    lines = lines_of(image, "first-call", design)
    machine = Machine(guest_elf, lines)
    looked_at = set()
    for line in lines:
        if line["type"] == "step":
            machine.follow(line)
        elif line.get("event") == "frame-pushed":
            words = struct.unpack("<5Q", machine.load(int(line["frame"]["addr"], 16), 40))
            assert [int(line["frame"][word], 16) for word in ("ip", "cs", "flags", "sp", "ss")] == list(words)
            looked_at.add("frame")
        elif line.get("event") == "frame-rewritten":
            assert machine.load(int(line["addr"], 16), 8) == int(line["new"], 16).to_bytes(8, "little")
            looked_at.add("rewritten")
        elif line.get("event") == "slot-pushed":
            assert machine.load(int(line["addr"], 16), 8) == int(line["value"], 16).to_bytes(8, "little")
            looked_at.add("slot")
    assert looked_at == {"frame", "rewritten"} | ({"slot"} if design in ("thread", "percpu") else set())


def test_the_header_names_the_guest_by_its_hash(image: Image, guest_elf: bytes) -> None:
    header = lines_of(image, "livepatch-window", "skip")[0]
    assert header["guest"] == hashlib.sha256(guest_elf).hexdigest()
    assert (header["type"], header["format"], header["cpus"], header["variants"]) == ("header", 2, 1, [])


def test_lines_come_in_order_and_events_follow_their_step(image: Image) -> None:
    lines = lines_of(image, "livepatch-window", "skip")
    kinds = [line["type"] for line in lines]
    assert kinds[0] == "header"
    assert kinds[-1] == "end"
    assert kinds.index("step") > max(i for i, kind in enumerate(kinds) if kind in ("state", "memory"))
    now = -1
    for line in lines:
        if line["type"] == "step":
            now = line["n"]
        elif line["type"] in ("event", "check"):
            assert line["n"] == now


def test_the_end_counts_what_was_told(image: Image) -> None:
    lines = lines_of(image, "livepatch-window", "skip")
    checks = [line["severity"] for line in lines if line["type"] == "check"]
    end = lines[-1]
    assert (end["violations"], end["notes"]) == (checks.count("violation"), checks.count("note")) == (2, 0)


def test_a_run_in_two_pieces_reads_as_one(image: Image) -> None:
    session = played(image, "first-call")
    half = len(session.trace) // 2
    pieces = [*jsonl.step_lines(session, 0, half), *jsonl.step_lines(session, half, len(session.trace))]
    assert pieces == list(jsonl.step_lines(session, 0, len(session.trace)))


def test_a_step_tells_where_it_is_and_what_it_does(image: Image) -> None:
    steps = [line for line in lines_of(image, "first-call", "thread") if line["type"] == "step"]
    hit = next(step for step in steps if step.get("bytes") == "cc")
    delivery = steps[hit["n"] + 1]
    assert (hit["kind"], hit["text"], hit["symbol"], hit["trap"]) == ("insn", "int3", "traced_fn+0x0", 0)
    assert hit["source"].startswith("workload.c:")
    assert (delivery["kind"], delivery["vector"], delivery["trap"]) == ("delivery", 3, 1)
    assert "error_code" not in delivery
    assert len(delivery["writes"]) == 5


def test_memory_is_told_in_few_ranges_that_ascend(image: Image) -> None:
    ranges = [
        (int(line["addr"], 16), len(line["bytes"]) // 2)
        for line in lines_of(image, "first-call", "thread")
        if line["type"] == "memory"
    ]
    assert all(address + length < following for (address, length), (following, _) in pairwise(ranges))
    assert len(ranges) < 100
