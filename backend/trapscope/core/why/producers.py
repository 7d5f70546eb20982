"""One link back: which step produced what a place holds, and what that step made it from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from trapscope.core.image import Image, MemoryOperand
from trapscope.core.image.flow import Constant, Operand, Output, Part, Role, Untracked
from trapscope.core.image.flows import Flows
from trapscope.core.machine.apic import BASE as APIC
from trapscope.core.machine.apic import SIZE as APIC_SIZE
from trapscope.core.trace import Stretch, TraceIndex
from trapscope.core.types import GS_BASE, MASK64, MAX_CPUS, REGISTERS, RFLAGS, RIP, ram_offset
from trapscope.core.why.decoded import Decoded, decoded
from trapscope.core.why.deliveries import Deliveries
from trapscope.core.why.place import Bytes, Place, Register, is_device
from trapscope.core.why.senders import Cause, Senders, Sent
from trapscope.core.why.writers import Writers

_NO_REGISTER: Final = -1
_ROLES: Final = {role: rank for rank, role in enumerate(Role)}


class Origin(NamedTuple):
    """What set a piece of a value: a step; of memory, which of the trace's writes."""

    step: int
    write: int = -1


@dataclass(frozen=True, slots=True)
class Sight:
    """What a place holds, as somebody saw it at a moment, and who had set which pieces of it (None: nobody).

    `value` are the bytes in memory's order; of a register, its bits shifted down.
    """

    place: Place
    moment: int
    value: bytes
    pieces: tuple[tuple[Place, Origin | None], ...]

    @property
    def key(self) -> tuple[Place, tuple[Origin | None, ...]]:
        """The same for every sight of the same value of the same make."""
        return self.place, tuple(origin for _, origin in self.pieces)

    @property
    def made(self) -> int:
        """The moment from which on all of it was there."""
        return max(0 if origin is None else origin.step + 1 for _, origin in self.pieces)

    def parts(self) -> Iterator[Sight]:
        """A sight of each piece."""
        for place, origin in self.pieces:
            yield Sight(place, self.moment, self._value_of(place), ((place, origin),))

    def _value_of(self, place: Place) -> bytes:
        if isinstance(place, Bytes) and isinstance(self.place, Bytes):
            start = place.address - self.place.address
            return self.value[start : start + place.length]
        assert isinstance(place, Register)
        assert isinstance(self.place, Register)
        whole = int.from_bytes(self.value, "little") << self.place.shift
        return place.value(whole).to_bytes(place.size, "little")


Taken = tuple[Role, Sight | Constant | Untracked]


class Producers:
    """Of one run, whose steps the index has."""

    def __init__(self, image: Image, index: TraceIndex, senders: Senders | None = None) -> None:
        self.index = index
        self._senders = Senders(index, MAX_CPUS, tuple) if senders is None else senders
        self._flows = Flows()
        self._writers = Writers(index, self._flows)
        self._deliveries = Deliveries(image, index, self._writers)

    def sight(self, place: Place, moment: int) -> Sight:
        """What the place holds at a moment. Raises ValueError for bytes outside RAM."""
        if isinstance(place, Bytes):
            writes = int(self.index.columns.write_end[moment])
            stretches = self.index.writers(place.address, place.length, writes)
            value = self.index.written(place.address, place.length, stretches)
            return Sight(place, moment, value, self._written(place, stretches))
        found = self._writers.of(place.cpu, Part(place.register, place.mask), moment)
        value = place.value(self.index.register(place.cpu, place.register, moment)).to_bytes(place.size, "little")
        pieces = [(Register(place.cpu, place.register, mask), step) for mask, step in found]
        origins = tuple((piece, None if step is None else Origin(step)) for piece, step in pieces)
        return Sight(place, moment, value, origins)

    def decoded(self, step: int) -> Decoded:
        """Which version of its bytes an instruction was decoded from."""
        return decoded(self.index, step)

    def sight_of_code(self, step: int) -> Sight | None:
        """An instruction's bytes as it was decoded from them; None where none of them was written in the run."""
        address, code = self.index.trace.code_table[self.index.columns.code[step]]
        version = self.decoded(step)
        if not version.was_written:
            return None
        place = Bytes(address, len(code))
        return Sight(place, step, code, self._written(place, version.stretches))

    def cause(self, step: int) -> Cause | None:
        """Why the step, a delivery, came; None for an exception and for an instruction."""
        return self._senders.of(step) if self.index.columns.vector[step] >= 0 else None

    def _sight_of_device(self, step: int) -> Sight:
        """What an instruction stored to the local APIC."""
        [write] = self.index.columns.device[step]
        place = Bytes(write.addr, len(write.new))
        return Sight(place, step + 1, write.new, ((place, Origin(step)),))

    def taken(self, place: Place, origin: Origin) -> list[Taken]:
        """What the step made the place's value from, the most telling first."""
        if self.index.columns.vector[origin.step] >= 0:
            return self._taken_by_delivery(place, origin)
        output = self._output(place, origin)
        if output is None:
            _, code = self.index.trace.code_table[self.index.columns.code[origin.step]]
            return [(Role.DATA, Untracked(f"an effect of {code.hex(' ')} that is not known"))]
        taken = list(dict.fromkeys(self._taken_by_instruction(place, origin, output)))
        code_sight = self.sight_of_code(origin.step)
        if code_sight is not None:
            taken.append((Role.CODE, code_sight))
        return sorted(taken, key=_rank)

    def _written(self, place: Bytes, stretches: Iterable[Stretch]) -> tuple[tuple[Place, Origin | None], ...]:
        return tuple(
            (
                Bytes(place.address + at, count),
                None if write is None else Origin(self.index.step_of_write(write), write),
            )
            for at, count, write in stretches
        )

    def _taken_by_delivery(self, place: Place, origin: Origin) -> list[Taken]:
        step = origin.step
        if isinstance(place, Register):
            found = self._deliveries.of_register(step, place.register, place.mask)
        else:
            found = self._deliveries.of_word(step, origin.write - int(self.index.columns.write_end[step]))
        taken: list[Taken] = []
        int3 = self._deliveries.int3_before(step) if place == Register(self._cpu(step), RIP) else None
        if isinstance(cause := self._senders.of(step), Sent) and not _is_state(place):
            taken.append((Role.CAUSE, self._sight_of_device(cause.step)))
        if int3 is not None and (code := self.sight_of_code(int3)) is not None:
            taken.append((Role.CODE, code))
        for role, what, moment in found:
            taken.append((role, self.sight(what, moment) if isinstance(what, Register | Bytes) else what))
        return taken

    def _output(self, place: Place, origin: Origin) -> Output | None:
        """The output of the instruction that the place's value is (part of)."""
        _, code = self.index.trace.code_table[self.index.columns.code[origin.step]]
        for output in self._flows.of(code).outputs:
            if isinstance(place, Register):
                if (
                    isinstance(output.place, Part)
                    and output.place.register == place.register
                    and output.place.mask & place.mask
                ):
                    return output
            elif isinstance(output.place, MemoryOperand):
                start = self._address(output.place, origin.step)
                written = place.address if is_device(place) else int(self.index.columns.write_addr[origin.write])
                if start <= written < start + output.place.size:
                    return output
        return None

    def _taken_by_instruction(self, place: Place, origin: Origin, output: Output) -> Iterator[Taken]:
        step = origin.step
        chosen = output.uses
        if output.condition is not None:
            flags = self.index.register(self._cpu(step), RFLAGS, step + 1)
            chosen = output.uses if output.condition.holds(flags) else output.otherwise
        narrow = self._within(place, origin, output) if output.copies else None
        for number, use in enumerate(chosen):
            for role, what in self._operand(use.operand, step, narrow if number == 0 else None):
                yield (use.role if role is Role.DATA else role), what
        if isinstance(output.place, MemoryOperand):
            yield from self._registers_of_address(output.place, step)

    def _operand(self, operand: Operand, step: int, narrow: tuple[int, int] | None) -> Iterator[Taken]:
        """The operand as DATA, before the registers of its address."""
        if isinstance(operand, Part):
            yield Role.DATA, self._part(operand, step, narrow)
        elif isinstance(operand, MemoryOperand):
            yield Role.DATA, self._loaded(operand, step, narrow)
            yield from self._registers_of_address(operand, step)
        else:
            yield Role.DATA, operand

    def _part(self, part: Part, step: int, narrow: tuple[int, int] | None) -> Sight | Constant:
        cpu, mask, moment = self._cpu(step), part.mask, step
        if narrow is not None:
            lowest = (mask & -mask).bit_length() - 1
            mask &= ((1 << 8 * narrow[1]) - 1) << lowest + 8 * narrow[0]
        if not mask:
            return Constant()
        if part.register == RIP:
            # A person does not walk a straight line instruction by instruction: on to where it began.
            transfer = self._writers.last_transfer(cpu, step)
            moment = 0 if transfer is None else transfer + 1
        return self.sight(Register(cpu, part.register, mask), moment)

    def _loaded(
        self, operand: MemoryOperand, step: int, narrow: tuple[int, int] | None
    ) -> Sight | Constant | Untracked:
        address, size = self._address(operand, step), operand.size
        if APIC <= address < APIC + APIC_SIZE:
            return Untracked("the local APIC", device=True)
        if narrow is not None:
            address, size = address + narrow[0], min(narrow[1], size - narrow[0])
        if size <= 0:
            return Constant()
        try:
            return self.sight(Bytes(address, size), step)
        except ValueError:
            return Untracked(f"memory at {address:#x}")

    def _registers_of_address(self, operand: MemoryOperand, step: int) -> Iterator[Taken]:
        for register in _address_registers(operand):
            yield Role.ADDRESS, self.sight(Register(self._cpu(step), register), step)

    def _within(self, place: Place, origin: Origin, output: Output) -> tuple[int, int] | None:
        """Which bytes of the output the place is: (first, count); None for all of it, or for single flags."""
        if isinstance(place, Bytes):
            assert isinstance(output.place, MemoryOperand)
            start = self._address(output.place, origin.step)
            if is_device(place):
                return place.address - start, place.length
            return ram_offset(place.address) - ram_offset(start), place.length
        assert isinstance(output.place, Part)
        if place.register == RFLAGS:
            return None
        lowest = (output.place.mask & -output.place.mask).bit_length() - 1
        return (place.shift - lowest) // 8, place.size

    def _address(self, operand: MemoryOperand, step: int) -> int:
        regs = [0] * len(REGISTERS)
        for register in _address_registers(operand):
            regs[register] = self.index.register(self._cpu(step), register, step)
        rip, code = self.index.trace.code_table[self.index.columns.code[step]]
        return operand.address(regs, rip + len(code)) & MASK64

    def _cpu(self, step: int) -> int:
        return int(self.index.columns.cpu[step])


def _is_state(place: Place) -> bool:
    """Whether a delivery saves or keeps it: why it came then is beside the point."""
    return not (isinstance(place, Register) and place.register == RIP)


def _rank(taken: Taken) -> int:
    return _ROLES[taken[0]]


def _address_registers(operand: MemoryOperand) -> list[int]:
    """Those that a value went into; RIP is the instruction's own place."""
    registers = [register for register in (operand.base, operand.index) if register not in (_NO_REGISTER, RIP)]
    return [*registers, GS_BASE] if operand.gs else registers
