"""A run as `trapscope run --format jsonl` tells it, put together by nothing but what the lines say and the ELF.

It is the other side of the page's tests, and a stranger's check of the format: every `old` must be what memory
held, every `bytes` what the instruction pointer pointed at.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from trapscope.core.image import Image
from trapscope.core.types import RAM_BASE, RAM_SIZE, ram_offset

Line = dict[str, Any]

#: From the lowest address up: what the CPU pushed last comes first.
FRAME_WORDS = ("ip", "cs", "flags", "sp", "ss")


@dataclass(frozen=True, slots=True)
class Picture:
    """What there is to see at a moment of a one-CPU run: the patch site's bytes, the iret frames that are on the
    stack, outermost first, and the task's int3 stack."""

    site: tuple[int, ...]
    frames: tuple[dict[str, int], ...]
    depth: int
    slots: tuple[int, ...]


class Told:
    """The lines of one run, and the state after each step."""

    def __init__(self, image: Image, lines: list[Line]) -> None:
        self._image = image
        self.steps = [line for line in lines if line["type"] == "step"]
        self.events = [line for line in lines if line["type"] == "event"]
        self.end = lines[-1]
        self._lines = lines
        #: CPU 0's, at moment 0.
        first = next(line for line in lines if line["type"] == "state")
        self.registers = {name: int(value, 16) for name, value in first["regs"].items()}
        self.pictures = list(self._pictures())

    @classmethod
    def of(cls, image: Image, *arguments: str) -> Told:
        """Have the command line run it."""
        command = [sys.executable, "-m", "trapscope", "run", *arguments, "--format", "jsonl"]
        output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        return cls(image, [json.loads(line) for line in output.splitlines()])

    @cached_property
    def event_moments(self) -> list[int]:
        """The moments right behind a step that raised an event, in order."""
        return sorted({event["n"] + 1 for event in self.events})

    def events_before(self, moment: int) -> list[Line]:
        """The events of the step that led to a moment."""
        return [event for event in self.events if event["n"] == moment - 1]

    def moment_behind(self, name: str) -> int:
        """The moment right behind the first event of that name."""
        return next(int(event["n"]) + 1 for event in self.events if event["event"] == name)

    def _pictures(self) -> Iterator[Picture]:
        ram = bytearray(RAM_SIZE)
        for segment in self._image.segments:
            if segment.paddr >= RAM_BASE:
                ram[segment.paddr - RAM_BASE : segment.paddr - RAM_BASE + len(segment.data)] = segment.data
        for line in self._lines:
            if line["type"] == "memory":
                _put(ram, line["addr"], line["bytes"])
        gs_base = next(int(line["regs"]["gs_base"], 16) for line in self._lines if line["type"] == "state")
        frames: list[int] = []
        yield self._picture(ram, gs_base, frames)
        for step in self.steps:
            if step["kind"] == "insn":
                at, code = ram_offset(int(step["rip"], 16)), bytes.fromhex(step["bytes"])
                assert ram[at : at + len(code)] == code, f"step {step['n']} decoded what memory does not hold"
            for write in step["writes"]:
                if "device" in write:
                    continue
                at, old = ram_offset(int(write["addr"], 16)), bytes.fromhex(write["old"])
                assert ram[at : at + len(old)] == old, f"step {step['n']} overwrote what memory did not hold"
                _put(ram, write["addr"], write["new"])
            for event in self.events_before(step["n"] + 1):
                if event["event"] == "frame-pushed":
                    frames.append(int(event["frame"]["addr"], 16))
                elif event["event"] == "iret":
                    frames.remove(int(event["addr"], 16))
            yield self._picture(ram, gs_base, frames)

    def _picture(self, ram: bytearray, gs_base: int, frames: list[int]) -> Picture:
        def word(address: int, size: int = 8) -> int:
            return int.from_bytes(ram[ram_offset(address) :][:size], "little")

        task = word(gs_base + self._image.symbol("current_task").address)
        layout = self._image.struct("task_struct")
        depth, member = layout.resolve("thread_info.ftrace_int3_stack.depth")
        slots, _ = layout.resolve("thread_info.ftrace_int3_stack.slots")
        site = self._image.symbol("traced_fn").address
        return Picture(
            site=tuple(word(site + n, 1) for n in range(5)),
            frames=tuple({name: word(frame + 8 * n) for n, name in enumerate(FRAME_WORDS)} for frame in frames),
            depth=word(task + depth, member.size),
            slots=tuple(word(task + slots + 8 * n) for n in range(4)),
        )


def _put(ram: bytearray, address: str, data: str) -> None:
    at, new = ram_offset(int(address, 16)), bytes.fromhex(data)
    ram[at : at + len(new)] = new
