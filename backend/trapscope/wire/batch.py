"""The binary frame of steps: about nine bytes each, because registers travel as differences to what both ends know.

Column by column, because what stands next to its like deflates to a fifth. Payload, of n steps:

| column | |
|---|---|
| first, count | a varint each: the moment of the first step, and n |
| head | n × u8: bits 0–1 CPU; 2 delivery; 3 lane id follows; 4 writes follow; 5 error code follows; |
| | 6 device writes follow; 7 zero |
| code | a varint per instruction: zigzag(id - 1 - id of this CPU's instruction before it in the batch, first -1); |
| | id: index into the session's code table (address, bytes), sent as JSON beforehand |
| vector | u8 per delivery |
| error code | a varint per bit 5 |
| lane | a varint per bit 3; without it, that of this CPU's previous step. A CPU's first step in a batch carries one |
| mask | n varints: bit i = REGISTERS[i] changed. RIP's is set only if it is not `rip` + the length of the code |
| | (0 for a delivery) |
| registers | for each of REGISTERS in turn, a varint per step whose mask has it: zigzag(new - old); RIP's relative to |
| | `rip` + the length of the code |
| writes | a varint per bit 4: how many, at least one; then of all writes, in order: the addresses as varints, |
| | zigzag(address - previous write's, first 0); the lengths, u8 each, 1 to 8; the old bytes; the new bytes |
| device | stores to a device's page, which change no memory: a varint per bit 6: how many, at least one; then of all, |
| | in order: the addresses as of writes; the lengths, u8 each, 1 to 8; the bytes |

`rip` itself is not sent: it is the CPU's RIP before the step. A decoder that holds the state at `first` therefore
notices a batch that does not belong there: the code table's address, and each write's old bytes, must be what it holds.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trapscope.core.trace import Columns
from trapscope.core.types import MAX_CPUS, REGISTERS, RIP
from trapscope.wire.frame import FrameKind, put_varint, seal, varints, zigzags

CPU_BITS: Final = 0x03
DELIVERY: Final = 0x04
LANE: Final = 0x08
WRITES: Final = 0x10
ERROR_CODE: Final = 0x20
DEVICE: Final = 0x40
RESERVED: Final = 0x80
#: A write's bytes.
LONGEST_WRITE: Final = 8


class Decoded(NamedTuple):
    """From what each step was decoded: arrays of one value a step."""

    id: NDArray[np.int64]
    """The instruction's id in the session's code table; of a delivery, anything."""
    length: NDArray[np.uint64]
    """Bytes; 0 for a delivery."""


def encode_steps(first: int, steps: Columns, decoded: Decoded, lanes: NDArray[np.uint32]) -> bytes:
    """The frame for steps first, first + 1, … of a trace, as `Trace.between` gives them; `lanes` by step."""
    cpu, delivered = steps.cpu, steps.vector >= 0
    count = len(cpu)
    failed = np.array(sorted(steps.error_code), np.int64)
    lane_follows = _changes_by_cpu(cpu, lanes)
    writes = np.diff(steps.write_end)
    head = cpu | np.where(delivered, DELIVERY, 0) | np.where(lane_follows, LANE, 0) | np.where(writes > 0, WRITES, 0)
    head[failed] |= ERROR_CODE
    head[list(steps.device)] |= DEVICE
    changed, differences = _registers(steps, decoded)
    masks = (changed.astype(np.uint64) << np.arange(len(REGISTERS), dtype=np.uint64)).sum(axis=1, dtype=np.uint64)
    out = bytearray()
    put_varint(out, first)
    put_varint(out, count)
    out += head.astype(np.uint8).tobytes()
    out += varints(zigzags(_id_steps(cpu[~delivered], decoded.id[~delivered])))
    out += steps.vector[delivered].astype(np.uint8).tobytes()
    out += varints(np.array([steps.error_code[at] for at in failed.tolist()], np.uint64))
    out += varints(lanes[lane_follows].astype(np.uint64))
    out += varints(masks)
    out += varints(zigzags(differences.T[changed.T]))
    out += varints(writes[writes > 0].astype(np.uint64))
    out += varints(zigzags(np.diff(steps.write_addr, prepend=np.uint64(0))))
    out += steps.write_size.tobytes()
    out += _bytes_of(steps.write_old, steps.write_size)
    out += _bytes_of(steps.write_new, steps.write_size)
    out += _device(steps)
    return seal(FrameKind.STEPS, out)


def _changes_by_cpu(cpu: NDArray[np.uint8], lanes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Per step, whether its lane is not that of its CPU's step before; so it is of each CPU's first."""
    changes = np.ones(len(cpu), np.bool_)
    for number in range(MAX_CPUS):
        mine = np.flatnonzero(cpu == number)
        changes[mine[1:]] = lanes[mine[1:]] != lanes[mine[:-1]]
    return changes


def _id_steps(cpu: NDArray[np.uint8], ids: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Per instruction, how far its id is from the one that would follow its CPU's id before."""
    steps = np.empty(len(ids), np.int64)
    for number in range(MAX_CPUS):
        mine = np.flatnonzero(cpu == number)
        steps[mine] = np.diff(ids[mine], prepend=-1) - 1
    return steps.view(np.uint64)


def _registers(steps: Columns, decoded: Decoded) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
    """(steps, registers): whether it is told, and the difference; RIP against where the code would fall through to."""
    count = len(steps.cpu)
    differences = np.zeros((count, len(REGISTERS)), np.uint64)
    of_step = np.repeat(np.arange(count), np.diff(steps.change_end))
    differences[of_step, steps.register] = steps.reg_new - steps.reg_old
    differences[:, RIP] -= decoded.length
    return differences != 0, differences


def _device(steps: Columns) -> bytes:
    """How many stores to a device, then their addresses, lengths, bytes."""
    by_step = [steps.device[at] for at in sorted(steps.device)]
    every = [write for writes in by_step for write in writes]
    out = bytearray(varints(np.array([len(writes) for writes in by_step], np.uint64)))
    addresses: NDArray[np.uint64] = np.array([write.addr for write in every], np.uint64)
    out += varints(zigzags(np.diff(addresses, prepend=np.uint64(0))))
    out += bytes(len(write.new) for write in every)
    return bytes(out) + b"".join(write.new for write in every)


def _bytes_of(values: NDArray[np.uint64], sizes: NDArray[np.uint8]) -> bytes:
    """The low `sizes` bytes of each value, little-endian, one after the other."""
    table = values.astype("<u8").view(np.uint8).reshape(-1, LONGEST_WRITE)
    return table[np.arange(LONGEST_WRITE) < sizes[:, None]].tobytes()
