"""The binary frame of steps: about ten bytes each, because registers travel as differences to what both ends know.

Payload: varint first moment, varint count, then each step:

| field | |
|---|---|
| head, u8 | bits 0–1 CPU; 2 delivery; 3 lane id follows; 4 writes follow; 5 error code follows; 6–7 zero |
| instruction | varint code id: index into the session's code table (address, bytes), sent as JSON beforehand |
| or delivery | u8 vector, then varint error code if bit 5 |
| lane | varint lane id if bit 3, else that of this CPU's previous step in the batch; a CPU's first step carries one |
| registers | varint mask, bit i = REGISTERS[i] changed; then, for each bit set, varint zigzag(new - old) |
| RIP | its bit is set only if the new RIP is not `rip` + the length of the code (0 for a delivery); relative to that |
| writes | if bit 4: varint count; each varint zigzag(address - previous write's address in the batch, first 0), |
| | varint length, old bytes, new bytes |

`rip` itself is not sent: it is the CPU's RIP before the step. A decoder that holds the state at `first` therefore
notices a batch that does not belong there: the code table's address, and each write's old bytes, must be what it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from trapscope.core.trace.state import State
from trapscope.core.types import MASK64, REGISTERS, RIP, RegisterChange, Step, StepKind, Write
from trapscope.wire.frame import BadFrame, FrameKind, FrameReader, put_varint, seal, unzigzag, zigzag

_CPU_BITS: Final = 0x03
_DELIVERY: Final = 0x04
_LANE: Final = 0x08
_WRITES: Final = 0x10
_ERROR_CODE: Final = 0x20
_RESERVED: Final = 0xC0
_LEAST_STEP_BYTES: Final = 3
_LEAST_WRITE_BYTES: Final = 4

Code = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive steps with, per step, the id of the lane it belongs to."""

    steps: tuple[Step, ...]
    lanes: tuple[int, ...]


def encode_steps(first: int, batch: Batch, code_id: Callable[[Code], int]) -> bytes:
    """The frame for steps first, first + 1, …; raises ValueError if they are not those."""
    out = bytearray()
    put_varint(out, first)
    put_varint(out, len(batch.steps))
    lane_of: dict[int, int] = {}
    last_addr = 0
    for moment, (step, lane) in enumerate(zip(batch.steps, batch.lanes, strict=True), first):
        if step.moment != moment:
            raise ValueError(f"step {step.moment} came where {moment} was due")
        lane_follows = lane_of.get(step.cpu) != lane
        lane_of[step.cpu] = lane
        out.append(_head(step, lane_follows))
        if step.kind is StepKind.INSN:
            put_varint(out, code_id((step.rip, step.code)))
        else:
            out.append(step.vector)
            if step.error_code >= 0:
                put_varint(out, step.error_code)
        if lane_follows:
            put_varint(out, lane)
        _put_registers(out, step)
        if step.writes:
            put_varint(out, len(step.writes))
            for write in step.writes:
                put_varint(out, zigzag(write.addr - last_addr))
                last_addr = write.addr
                put_varint(out, len(write.new))
                out += write.old
                out += write.new
    return seal(FrameKind.STEPS, out)


def decode_steps(frame: bytes, state: State, codes: Sequence[Code]) -> Batch:
    """The steps of a frame that begins at `state`, which is left as it is; raises BadFrame, and then nothing counts."""
    reader = FrameReader(frame, FrameKind.STEPS)
    first = reader.varint()
    decoder = _StepDecoder(reader, state.copy(), codes)
    pairs = [decoder.step(first + index) for index in range(reader.count(_LEAST_STEP_BYTES))]
    reader.end()
    return Batch(tuple(step for step, _ in pairs), tuple(lane for _, lane in pairs))


def _head(step: Step, lane_follows: bool) -> int:
    return (
        step.cpu
        | (_DELIVERY if step.kind is StepKind.DELIVERY else 0)
        | (_LANE if lane_follows else 0)
        | (_WRITES if step.writes else 0)
        | (_ERROR_CODE if step.error_code >= 0 else 0)
    )


def _put_registers(out: bytearray, step: Step) -> None:
    differences = {change.register: change.new - change.old for change in step.regs}
    fall_through = (step.rip + len(step.code)) & MASK64
    differences[RIP] = step.rip + differences.get(RIP, 0) - fall_through
    changed = sorted(register for register, difference in differences.items() if difference & MASK64)
    put_varint(out, sum(1 << register for register in changed))
    for register in changed:
        put_varint(out, zigzag(differences[register]))


class _StepDecoder:
    """Follows the state from step to step, because a step is told as a difference to it."""

    def __init__(self, reader: FrameReader, state: State, codes: Sequence[Code]) -> None:
        self._reader = reader
        self._state = state
        self._codes = codes
        self._lane_of: dict[int, int] = {}
        self._last_addr = 0

    def step(self, moment: int) -> tuple[Step, int]:
        reader = self._reader
        head = reader.u8()
        cpu = head & _CPU_BITS
        if head & _RESERVED or cpu >= len(self._state.regs):
            raise BadFrame(f"step {moment} begins with {head:#04x}: a CPU that is not there, or a reserved bit")
        rip = self._state.regs[cpu][RIP]
        kind = StepKind.DELIVERY if head & _DELIVERY else StepKind.INSN
        code, vector, error_code = b"", -1, -1
        if kind is StepKind.DELIVERY:
            vector = reader.u8()
            if head & _ERROR_CODE:
                error_code = reader.varint()
        else:
            code = self._code(moment, rip, head)
        if head & _LANE:
            self._lane_of[cpu] = reader.varint()
        elif cpu not in self._lane_of:
            raise BadFrame(f"step {moment} is CPU {cpu}'s first in the batch and names no lane")
        regs = self._registers(moment, cpu, (rip + len(code)) & MASK64)
        writes = self._writes(moment) if head & _WRITES else ()
        for change in regs:
            self._state.regs[cpu][change.register] = change.new
        return Step(moment, cpu, kind, rip, code, vector, error_code, regs, writes), self._lane_of[cpu]

    def _code(self, moment: int, rip: int, head: int) -> bytes:
        code_id = self._reader.varint()
        if code_id >= len(self._codes) or head & _ERROR_CODE:
            raise BadFrame(f"step {moment} names code {code_id} of {len(self._codes)}, or an error code")
        address, code = self._codes[code_id]
        if address != rip:
            raise BadFrame(f"step {moment} was made at {address:#x}; its CPU stands at {rip:#x}")
        return code

    def _registers(self, moment: int, cpu: int, fall_through: int) -> tuple[RegisterChange, ...]:
        mask = self._reader.varint()
        if mask >> len(REGISTERS):
            raise BadFrame(f"step {moment} changes registers that do not exist: mask {mask:#x}")
        changes: list[RegisterChange] = []
        for register, old in enumerate(self._state.regs[cpu]):
            new = fall_through if register == RIP else old
            if mask >> register & 1:
                difference = unzigzag(self._reader.varint())
                if difference == 0:
                    raise BadFrame(f"step {moment} says that {REGISTERS[register]} changed, by nothing")
                new = (new + difference) & MASK64
            if new != old:
                changes.append(RegisterChange(register, old, new))
        return tuple(changes)

    def _writes(self, moment: int) -> tuple[Write, ...]:
        reader = self._reader
        count = reader.count(_LEAST_WRITE_BYTES)
        if count == 0:
            raise BadFrame(f"step {moment} announces writes and has none")
        return tuple(self._write(moment) for _ in range(count))

    def _write(self, moment: int) -> Write:
        """Applied at once: a later write of the same step may overwrite it, and says so in its old bytes."""
        reader = self._reader
        self._last_addr = (self._last_addr + unzigzag(reader.varint())) & MASK64
        length = reader.varint()
        write = Write(self._last_addr, reader.take(length), reader.take(length))
        try:
            held = self._state.memory.read(write.addr, length)
        except ValueError as error:
            raise BadFrame(f"step {moment}: {error}") from None
        if held != write.old or length == 0:
            raise BadFrame(f"step {moment} overwrites {write.old.hex()} at {write.addr:#x}; {held.hex()} is there")
        self._state.memory.write(write.addr, write.new)
        return write
