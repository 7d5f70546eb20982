"""Reading a binary frame of steps; its columns are described in `batch`, where they are made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from trapscope.core.machine import Code
from trapscope.core.machine.apic import BASE as APIC
from trapscope.core.machine.apic import SIZE as APIC_SIZE
from trapscope.core.trace import State
from trapscope.core.types import MASK64, REGISTERS, RIP, DeviceWrite, RegisterChange, Step, StepKind, Write
from trapscope.wire.batch import CPU_BITS, DELIVERY, DEVICE, ERROR_CODE, LANE, LONGEST_WRITE, RESERVED, WRITES
from trapscope.wire.frame import BadFrame, FrameKind, FrameReader, unzigzag

_LEAST_STEP_BYTES: Final = 3
_LEAST_WRITE_BYTES: Final = 4
_LEAST_DEVICE_WRITE_BYTES: Final = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive steps with, per step, the id of the lane it belongs to."""

    steps: tuple[Step, ...]
    lanes: tuple[int, ...]


def decode_steps(frame: bytes, state: State, codes: Sequence[Code]) -> Batch:
    """The steps of a frame that begins at `state`, which is left as it is; raises BadFrame, and then nothing counts."""
    reader = FrameReader(frame, FrameKind.STEPS)
    first = reader.varint()
    count = reader.count(_LEAST_STEP_BYTES)
    columns = _Columns(reader, count, first, len(state.regs))
    reader.end()
    state = state.copy()
    return Batch(tuple(columns.steps(state, codes)), columns.lanes)


class _Columns:
    """A frame's columns, each as long as those before it say."""

    def __init__(self, reader: FrameReader, count: int, first: int, cpus: int) -> None:
        self._first = first
        self._head = reader.take(count)
        for at, head in enumerate(self._head):
            if head & RESERVED or head & CPU_BITS >= cpus or (head & ERROR_CODE and not head & DELIVERY):
                raise BadFrame(
                    f"step {first + at} begins with {head:#04x}: a CPU that is not there, a reserved bit, "
                    "or an error code of an instruction"
                )
        self._code = iter(self._ids(reader))
        self._vector = iter(reader.take(self._with(DELIVERY)))
        self._error_code = iter(_varints(reader, self._with(ERROR_CODE)))
        self.lanes = tuple(self._lanes(_varints(reader, self._with(LANE))))
        self._mask = _varints(reader, count)
        for at, mask in enumerate(self._mask):
            if mask >> len(REGISTERS):
                raise BadFrame(f"step {first + at} changes registers that do not exist: mask {mask:#x}")
        self._difference = [
            iter(_varints(reader, sum(mask >> register & 1 for mask in self._mask)))
            for register in range(len(REGISTERS))
        ]
        counts = self._counts(reader, WRITES, _LEAST_WRITE_BYTES)
        self._count = iter(counts)
        self._write = self._writes(reader, sum(counts))
        counts = self._counts(reader, DEVICE, _LEAST_DEVICE_WRITE_BYTES)
        self._device_count = iter(counts)
        self._device_write = self._device_writes(reader, sum(counts))

    def steps(self, state: State, codes: Sequence[Code]) -> Iterator[Step]:
        """The steps in order; `state` goes along with them."""
        for at, head in enumerate(self._head):
            moment, cpu = self._first + at, head & CPU_BITS
            rip = state.regs[cpu][RIP]
            kind, code, vector, error_code = StepKind.INSN, b"", -1, -1
            if head & DELIVERY:
                kind, vector = StepKind.DELIVERY, next(self._vector)
                if head & ERROR_CODE:
                    error_code = next(self._error_code)
            else:
                code = _code(codes, next(self._code), moment, rip)
            regs = tuple(self._changes(at, state.regs[cpu], rip + len(code) & MASK64))
            writes = tuple(self._written(moment, state)) if head & WRITES else ()
            device = tuple(islice(self._device_write, next(self._device_count))) if head & DEVICE else ()
            for change in regs:
                state.regs[cpu][change.register] = change.new
            yield Step(moment, cpu, kind, rip, code, vector, error_code, regs, writes, device)

    def _with(self, bit: int) -> int:
        return sum(head & bit != 0 for head in self._head)

    def _ids(self, reader: FrameReader) -> Iterator[int]:
        before: dict[int, int] = {}
        ids = []
        for head in self._head:
            if not head & DELIVERY:
                cpu = head & CPU_BITS
                before[cpu] = before.get(cpu, -1) + 1 + unzigzag(reader.varint())
                ids.append(before[cpu])
        return iter(ids)

    def _lanes(self, told: list[int]) -> Iterator[int]:
        lane_of: dict[int, int] = {}
        following = iter(told)
        for at, head in enumerate(self._head):
            cpu = head & CPU_BITS
            if head & LANE:
                lane_of[cpu] = next(following)
            elif cpu not in lane_of:
                raise BadFrame(f"step {self._first + at} is CPU {cpu}'s first in the batch and names no lane")
            yield lane_of[cpu]

    def _counts(self, reader: FrameReader, bit: int, least_bytes: int) -> list[int]:
        """How many writes each step has that announces some, none of them more than there can be."""
        counts = _varints(reader, self._with(bit))
        if 0 in counts:
            raise BadFrame("a step announces writes and has none")
        if sum(counts) * least_bytes > reader.left:
            raise BadFrame(f"{sum(counts)} writes announced, {reader.left} bytes left")
        return counts

    def _writes(self, reader: FrameReader, total: int) -> Iterator[Write]:
        addresses, lengths = _places(reader, total)
        old = [reader.take(length) for length in lengths]
        new = [reader.take(length) for length in lengths]
        return map(Write, addresses, old, new)

    def _device_writes(self, reader: FrameReader, total: int) -> Iterator[DeviceWrite]:
        addresses, lengths = _places(reader, total)
        for address, length in zip(addresses, lengths, strict=True):
            if not APIC <= address <= APIC + APIC_SIZE - length:
                raise BadFrame(f"a write of {length} bytes to a device at {address:#x}, where none is")
        return map(DeviceWrite, addresses, [reader.take(length) for length in lengths])

    def _changes(self, at: int, regs: list[int], fall_through: int) -> Iterator[RegisterChange]:
        mask = self._mask[at]
        for register, old in enumerate(regs):
            new = fall_through if register == RIP else old
            if mask >> register & 1:
                difference = unzigzag(next(self._difference[register]))
                if difference == 0:
                    raise BadFrame(f"step {self._first + at} says that {REGISTERS[register]} changed, by nothing")
                new = new + difference & MASK64
            if new != old:
                yield RegisterChange(register, old, new)

    def _written(self, moment: int, state: State) -> Iterator[Write]:
        """Applied at once: a later write of the same step may overwrite it, and says so in its old bytes."""
        for _ in range(next(self._count)):
            write = next(self._write)
            try:
                held = state.memory.read(write.addr, len(write.old))
            except ValueError as error:
                raise BadFrame(f"step {moment}: {error}") from None
            if held != write.old:
                raise BadFrame(f"step {moment} overwrites {write.old.hex()} at {write.addr:#x}; {held.hex()} is there")
            state.memory.write(write.addr, write.new)
            yield write


def _varints(reader: FrameReader, count: int) -> list[int]:
    if count > reader.left:
        raise BadFrame(f"{count} values announced, {reader.left} bytes left")
    return [reader.varint() for _ in range(count)]


def _places(reader: FrameReader, total: int) -> tuple[list[int], bytes]:
    """The addresses and lengths of so many writes."""
    addresses, address = [], 0
    for difference in _varints(reader, total):
        address = address + unzigzag(difference) & MASK64
        addresses.append(address)
    lengths = reader.take(total)
    for length in lengths:
        if not 1 <= length <= LONGEST_WRITE:
            raise BadFrame(f"a write of {length} bytes: it has 1 to {LONGEST_WRITE}")
    return addresses, lengths


def _code(codes: Sequence[Code], number: int, moment: int, rip: int) -> bytes:
    if not 0 <= number < len(codes):
        raise BadFrame(f"step {moment} names code {number} of {len(codes)}")
    address, code = codes[number]
    if address != rip:
        raise BadFrame(f"step {moment} was made at {address:#x}; its CPU stands at {rip:#x}")
    return code
