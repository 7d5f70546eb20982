"""The shared vectors of binary frames, from steps written by hand: `python -m tests.wire.vectors` writes the files.

The encoder must make these very bytes, Python's and TypeScript's decoders must read them, and both must refuse
every entry of refused.json.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

from tests.wire.tape import ALIAS, TEXT, Tape, state_at
from trapscope.core.types import REGISTERS, Step
from trapscope.wire.frame import put_varint, zigzag
from trapscope.wire.memory_image import encode_memory

FOLDER = Path(__file__).parent / "vectors"
STACK = TEXT + 0x9000
TASK = TEXT + 0x7000


def word(value: int) -> bytes:
    return (value & (1 << 64) - 1).to_bytes(8, "little")


def first_call() -> Tape:
    """An int3 at a call site, its delivery, the handler's push and rewrite, and the iretq onto the stub."""
    site, entry, stub = TEXT + 0x100, TEXT + 0x400, TEXT + 0x600
    sp = STACK + 0xFF8
    text_and_stack = {site: b"\xcc\x1f\x44\x00\x00", sp: word(TEXT + 0x55)}
    tape = Tape(state_at([site], text_and_stack, rsp=sp, rflags=0x246, cs=0x10, ss=0x18))
    tape.insn(0, b"\xcc", lane=0)
    frame = sp - 0x28 & ~0xF
    pushed = [
        (frame + 0x20, word(0x18)),
        (frame + 0x18, word(sp)),
        (frame + 0x10, word(0x246)),
        (frame + 8, word(0x10)),
        (frame, word(site + 1)),
    ]
    tape.delivery(0, 3, lane=1, rip=entry, rsp=frame, rflags=0x46, writes=pushed)
    tape.insn(0, b"\x50", lane=1, rsp=frame - 8, writes=[(frame - 8, word(0))])
    tape.insn(0, b"\x48\xb8" + word(site + 5), lane=1, rax=site + 5)
    tape.insn(0, b"\xff\x05\x00\x6c\x00\x00", lane=1, writes=[(TASK + 0x10, b"\x01\0\0\0")], rflags=0x2)
    tape.insn(0, b"\x48\x89\x05\x02\x6c\x00\x00", lane=1, writes=[(TASK + 0x18, word(site + 5))])
    tape.insn(0, b"\x48\x89\x1c\x24", lane=1, writes=[(frame, word(stub))])
    tape.insn(0, b"\x58", lane=1, rax=0, rsp=frame)
    tape.insn(0, b"\x48\xcf", lane=1, rip=stub, rsp=sp, rflags=0x246)
    tape.insn(0, b"\xeb\xfe", lane=0, rip=stub)
    return tape


def two_cpus() -> Tape:
    """CPU 1 writes text through the alias while CPU 0 spins; lanes change, moments are large, a fault has a code."""
    site = TEXT + 0x100
    tape = Tape(
        state_at([TEXT + 0x200, TEXT + 0x300], {site: b"\x0f\x1f\x44\x00\x00"}, rsp=STACK, gs_base=TASK, rflags=0x202),
        first=123_456,
    )
    alias = ALIAS + 0x100
    tape.insn(1, b"\xc6\x00\xcc", lane=2, writes=[(alias, b"\xcc")])
    tape.insn(0, b"\xf3\x90", lane=0)
    tape.insn(0, b"\xeb\xfc", lane=0, rip=TEXT + 0x200)
    tape.insn(0, b"\xf3\x90", lane=0)
    tape.insn(1, b"\x66\xc7\x40\x01\x12\x34", lane=2, writes=[(alias + 1, b"\x12\x34"), (alias + 1, b"\x56\x78")])
    tape.delivery(1, 13, lane=300, error_code=0x1A, rip=TEXT + 0x700, ss=0, writes=[(STACK - 8, word(0x1A))])
    tape.delivery(0, 0xEC, lane=1, rip=TEXT + 0x800)
    tape.insn(0, b"\x48\xf7\xd8", lane=1, rax=1, rbx=(1 << 64) - 1, r15=1 << 63, gs_base=TASK - (1 << 40))
    tape.insn(1, b"\x89\x78\x10", lane=300, device=[(0xFEE00310, bytes(4))])
    tape.insn(1, b"\x89\x30", lane=300, device=[(0xFEE00300, b"\xfb\x40\x00\x00"), (0xFEE00FF8, bytes(8))])
    tape.insn(0, b"\x48\xff\xc8", lane=1, rax=0, rbx=0, r15=(1 << 63) - 1, cs=0x33)
    return tape


def empty() -> Tape:
    """No step at all: what a chunk carries that only brings the findings of a run's end."""
    return Tape(state_at([TEXT]), first=42)


TAPES = {"first-call": first_call, "two-cpus": two_cpus, "empty": empty}

MEMORIES: dict[str, list[tuple[int, bytes]]] = {
    "nothing": [],
    "text-and-stack": [
        (TEXT, bytes.fromhex("e8fbffffffc3")),
        (TEXT + 0x7010, b"\x01"),
        (TEXT + 0xFFFFC, b"last"),
    ],
}


def step_object(step: Step, lane: int) -> dict[str, Any]:
    return {
        "n": step.moment,
        "cpu": step.cpu,
        "kind": step.kind.value,
        "rip": hex(step.rip),
        "bytes": step.code.hex(),
        "vector": step.vector,
        "error_code": step.error_code,
        "lane": lane,
        "regs": {REGISTERS[c.register]: {"old": hex(c.old), "new": hex(c.new)} for c in step.regs},
        "writes": [{"addr": hex(w.addr), "old": w.old.hex(), "new": w.new.hex()} for w in step.writes],
        "device": [{"addr": hex(w.addr), "new": w.new.hex()} for w in step.device],
    }


def _start(tape: Tape) -> dict[str, Any]:
    ram = tape.start.memory
    ranges = [(TEXT + offset, ram.read(TEXT + offset, 8)) for offset in range(0, 0x100000, 8)]
    return {
        "first": tape.first,
        "registers": list(REGISTERS),
        "cpus": [[hex(value) for value in file] for file in tape.start.regs],
        "memory": [{"addr": hex(addr), "bytes": data.hex()} for addr, data in ranges if any(data)],
        "codes": [{"rip": hex(rip), "bytes": code.hex()} for rip, code in tape.codes],
    }


def sealed(body: bytes) -> bytes:
    """A right checksum on whatever it is."""
    return body + zlib.crc32(body).to_bytes(4, "little")


def varint(value: int) -> bytes:
    out = bytearray()
    put_varint(out, value)
    return bytes(out)


def frame(head: bytes = b"\x08", code: bytes = b"\x00", lane: bytes = b"\x00", rest: bytes = b"\x00") -> bytes:
    """One step from moment 0: by default the first instruction of first-call in lane 0, no registers, no writes."""
    return sealed(b"TS\x02\x03\x00\x01" + head + code + lane + rest)


def one_store(*columns: bytes) -> bytes:
    """The same step, with these columns of writes."""
    return frame(head=b"\x18", rest=b"\x00" + b"".join(columns))


def damaged() -> dict[str, bytes]:
    """What a decoder of steps must refuse where first-call's state and codes are known, and why."""
    whole = first_call().frame
    body = whole[:-4]
    # Offsets in body: 0 "TS", 2 kind, 3 version, 4 first moment 0, 5 count 10, 6 first step's head.
    site = varint(zigzag(TEXT + 0x100))
    return {
        "nothing at all": b"",
        "a header without a checksum": whole[:6],
        "cut in the middle": whole[: len(whole) // 2],
        "cut by its last byte": whole[:-1],
        "one bit flipped in the payload": whole[:20] + bytes((whole[20] ^ 0x10,)) + whole[21:],
        "one bit flipped in the checksum": whole[:-1] + bytes((whole[-1] ^ 1,)),
        "another magic": sealed(b"XS" + body[2:]),
        "version 1": sealed(body[:3] + b"\x01" + body[4:]),
        "version 2, which had no stores to devices": sealed(body[:3] + b"\x02" + body[4:]),
        "a memory frame": encode_memory(MEMORIES["text-and-stack"]),
        "kind 9": sealed(body[:2] + b"\x09" + body[3:]),
        "more steps announced than there are": sealed(body[:5] + b"\x0b" + body[6:]),
        "fewer steps announced than there are": sealed(body[:5] + b"\x09" + body[6:]),
        "as many steps announced as fit into 64 bits": sealed(body[:5] + b"\xff" * 9 + b"\x01" + body[6:]),
        "a varint of eleven bytes": sealed(body[:5] + b"\x80" * 10 + b"\x01" + body[6:]),
        "a varint beyond 64 bits": sealed(body[:5] + b"\xff" * 9 + b"\x02" + body[6:]),
        "a varint that is not in its shortest form": sealed(body[:4] + b"\x80\x00" + body[5:]),
        "a CPU that is not there": frame(head=b"\x09"),
        "a reserved bit": frame(head=b"\x88"),
        "no lane for a CPU's first step": frame(head=b"\x00", lane=b""),
        "an error code for an instruction": frame(head=b"\x28", lane=b"\x00\x00"),
        "a code that nobody sent": frame(code=varint(zigzag(0x7F))),
        "a code before the first": frame(code=varint(zigzag(-1))),
        "a code of another address": frame(code=varint(zigzag(1))),
        "a register that does not exist": frame(rest=b"\x80\x80\x80\x01\x02"),
        "a register that changed by nothing": frame(rest=b"\x01\x00"),
        "writes announced and none there": one_store(b"\x00"),
        "as many writes announced as fit into 64 bits": one_store(b"\xff" * 9 + b"\x01", site, b"\x01\xcc\x11"),
        "an empty write": one_store(b"\x01", site, b"\x00"),
        "a write of nine bytes": one_store(b"\x01", site, b"\x09", b"\xcc\x1f\x44" + bytes(6), bytes(9)),
        "a write outside RAM": one_store(b"\x01", varint(zigzag(TEXT - 1)), b"\x01\x00\x11"),
        "a write whose old byte is another": one_store(b"\x01", site, b"\x01\xcd\x11"),
        "device writes announced and none there": frame(head=b"\x48", rest=b"\x00\x00"),
        "a device write where no device is": frame(
            head=b"\x48", rest=b"\x00\x01" + varint(zigzag(TEXT + 0x100)) + b"\x01\x00"
        ),
        "a device write that ends behind the device": frame(
            head=b"\x48", rest=b"\x00\x01" + varint(zigzag(0xFEE00FFF)) + b"\x02\x00\x00"
        ),
        "a byte too many": sealed(body + b"\x00"),
    }


def files() -> dict[str, str]:
    """Name and content of every vector file."""
    made: dict[str, Any] = {}
    for name, make in TAPES.items():
        tape = make()
        made[f"steps-{name}.json"] = {
            "about": make.__doc__,
            **_start(tape),
            "frame": tape.frame.hex(),
            "steps": [step_object(step, lane) for step, lane in zip(tape.steps, tape.lanes, strict=True)],
        }
    for name, ranges in MEMORIES.items():
        made[f"memory-{name}.json"] = {
            "frame": encode_memory(ranges).hex(),
            "ranges": [{"addr": hex(addr), "bytes": data.hex()} for addr, data in ranges],
        }
    made["refused.json"] = {
        "about": damaged.__doc__,
        **_start(first_call()),
        "frames": [{"why": why, "frame": bad.hex()} for why, bad in damaged().items()],
    }
    return {name: json.dumps(content, indent=1) + "\n" for name, content in made.items()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file_name, text in files().items():
        (FOLDER / file_name).write_text(text, encoding="utf-8")
