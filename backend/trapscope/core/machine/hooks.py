"""What Unicorn's hooks see during one run of a slice: registers before each instruction, stores, exceptions.

The hooks only note and ask for a stop; the engine acts between runs. Never emu_stop or ctl_remove_cache inside a
memory hook: the store would happen twice, or the process would end (docs/decisions/0002).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from unicorn import Uc, unicorn_const, x86_const

from trapscope.core.machine import native
from trapscope.core.machine.delivery import canonical
from trapscope.core.machine.faults import GP, PF, UD, Event, Source
from trapscope.core.machine.guest_memory import GuestMemory
from trapscope.core.machine.journal import Journal
from trapscope.core.machine.registers import RegisterFiles
from trapscope.core.types import CS, DIRECT_MAP, KERNEL_MAP, MASK64, RAM_BASE, RAM_SIZE, RIP, RSP, ram_offset

_TEXT_MAP: Final = KERNEL_MAP + RAM_BASE
_ALIAS: Final = DIRECT_MAP + RAM_BASE
_LONGEST_INSTRUCTION: Final = 15
_PRESENT, _WRITE, _FETCH = 1, 2, 16
_IRETQ: Final = b"\x48\xcf"
_SELECTOR: Final = 0xFFFC
_FAULTING_READS: Final = (unicorn_const.UC_MEM_READ_UNMAPPED, unicorn_const.UC_MEM_READ_PROT)
_FAULTING_FETCHES: Final = (unicorn_const.UC_MEM_FETCH_UNMAPPED, unicorn_const.UC_MEM_FETCH_PROT)
_PROTECTED: Final = (unicorn_const.UC_MEM_READ_PROT, unicorn_const.UC_MEM_WRITE_PROT, unicorn_const.UC_MEM_FETCH_PROT)


class Hooks:
    """The constant set of hooks of one engine, and the notes of its latest run; what retired goes into the journal."""

    def __init__(
        self, uc: Uc, files: RegisterFiles, journal: Journal, memory: GuestMemory, end: int, *, weak: bool
    ) -> None:
        self._uc, self._engine = uc, files.engine
        self._files, self._journal, self._memory = files, journal, memory
        self._code_at: dict[int, int] = {}
        """By address, what the journal calls the instruction that fetches give there now."""
        memory.on_forget = self._forget
        self.event: Event | None = None
        self.faulted = False
        """Whether the last instruction that was started is to be restarted."""
        self.patched: list[tuple[int, bytes, bytes]] = []
        """Stores to text: RAM offset, old, new."""
        self.looked_at: dict[int, int] = {}
        """Stale bytes of text that a data read replaced by memory's for the length of this run."""
        self.error: BaseException | None = None
        self._careful = self._stop = False
        self._first = 0
        self._stop_at: frozenset[int] = frozenset()
        self._stale: dict[int, int] = {}
        # Hooks of one kind run in the order in which they were added; the first two must.
        self._raw = [
            native.add_hook(uc, unicorn_const.UC_HOOK_CODE, native.OnCode(self._on_end), end, end),
            native.add_hook(uc, unicorn_const.UC_HOOK_CODE, native.OnCode(self._code_hook())),
            native.add_hook(uc, unicorn_const.UC_HOOK_MEM_WRITE, native.OnAccess(self._write_hook())),
        ]
        if weak:
            self._raw.append(native.add_hook(uc, unicorn_const.UC_HOOK_MEM_READ, native.OnAccess(self._on_read)))
        self._uc.hook_add(unicorn_const.UC_HOOK_INTR, self._on_exception)
        self._uc.hook_add(unicorn_const.UC_HOOK_INSN_INVALID, self._on_invalid)
        self._uc.hook_add(unicorn_const.UC_HOOK_MEM_INVALID, self._on_bad_access)

    def stop_after(self, address: int) -> None:
        """From now on a run also stops after an instruction at this address; only before the first run."""
        hook = native.OnCode(lambda _engine, _address, _size: self.stop())
        self._raw.append(native.add_hook(self._uc, unicorn_const.UC_HOOK_CODE, hook, address, address))

    def begin(self, stale: dict[int, int], stop_at: frozenset[int]) -> int:
        """A run is about to start; `stale` is what its CPU would decode, `stop_at` where it must not go.

        Returns how many steps the journal holds.
        """
        self.event = None
        self.faulted = self._stop = False
        self._stale, self._stop_at = stale, stop_at
        self._careful = bool(stop_at)
        self._first = len(self._journal.codes)
        return self._first

    def stop(self) -> None:
        """End the run behind the current instruction."""
        self._stop = self._careful = True

    def _on_end(self, _engine: int, _address: int, _size: int) -> None:
        self.stop()

    def _code_hook(self) -> Callable[[int, int, int], None]:
        """What runs for every instruction: one dictionary lookup and one call of C."""
        read, engine, ids, count = native.read_registers, self._engine, self._files.ids, self._files.count
        next_row, note, known = self._files.next_row, self._journal.codes.append, self._code_at.get

        def on_code(_engine: int, address: int, size: int) -> None:
            try:
                if self._careful and self._ends_before(address):
                    return
                read(engine, ids, next_row(), count)
                code = known(address)
                note(self._learn(address, size) if code is None else code)
            except BaseException as error:  # noqa: BLE001 - ctypes would drop it; run() raises it
                self._fail(error)

        return on_code

    def _write_hook(self) -> Callable[[int, int, int, int, int], None]:
        codes, writes = self._journal.codes, self._journal.writes
        ram, is_text = self._memory.ram, self._memory.is_text

        def on_write(_engine: int, _access: int, address: int, size: int, value: int) -> None:
            try:
                offset = address - _TEXT_MAP
                if not 0 <= offset < RAM_SIZE:
                    offset = address - _ALIAS
                    if not 0 <= offset < RAM_SIZE:
                        return  # the local APIC, or a store that faults
                old = ram[offset : offset + size]
                writes.append((len(codes) - 1, address, size, int.from_bytes(old, "little"), value))
                if is_text(offset, size):
                    new = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
                    self.patched.append((offset, bytes(old), new))
                    self.stop()
            except BaseException as error:  # noqa: BLE001 - ctypes would drop it; run() raises it
                self._fail(error)

        return on_write

    def _ends_before(self, address: int) -> bool:
        """Whether the run is over, because of the instruction before or because of this address."""
        over = self._stop or (address in self._stop_at and len(self._journal) > self._first)
        if over:
            native.stop(self._engine)
        return over

    def _learn(self, address: int, size: int) -> int:
        """An instruction that was not executed before, or not as these bytes."""
        at = address - _TEXT_MAP
        code = self._journal.code_id((address, bytes(self._memory.fetched[at : at + size])))
        self._code_at[address] = code
        return code

    def _forget(self, offset: int, length: int) -> None:
        """These bytes of text will be fetched anew."""
        for address in range(_TEXT_MAP + offset - _LONGEST_INSTRUCTION + 1, _TEXT_MAP + offset + length):
            self._code_at.pop(address, None)

    def _fail(self, error: BaseException) -> None:
        self.error = error
        self.stop()

    def _on_read(self, _engine: int, _access: int, address: int, size: int, _value: int) -> None:
        """A data read of text is coherent: show memory's bytes for this instruction, without a new translation."""
        if not self._stale:
            return
        for offset in range(address - _TEXT_MAP, address - _TEXT_MAP + size):
            if offset in self._stale:
                self.looked_at[offset] = self._stale[offset]
                self._memory.fetched[offset] = self._memory.ram[offset]

    def _on_exception(self, uc: Uc, vector: int, _: Any) -> None:
        at = self._started()[RIP]
        software = uc.reg_read(x86_const.UC_X86_REG_RIP) != at
        if software:
            self.event = Event(vector, Source.SOFTWARE, restart=at)
        else:
            self.event = Event(vector, Source.EXCEPTION, self._refused_selector(at))
            self.faulted = True
        self.stop()
        uc.emu_stop()

    def _started(self) -> memoryview[int]:
        """The registers before the instruction that was started last."""
        return self._files.kept(len(self._journal) - 1)

    def _refused_selector(self, at: int) -> int:
        """The error code of a fault: of IRETQ, the selector in its frame that the CPU refused; 0 of anything else.

        SDM vol. 2, IRET: #GP(selector) of CS, which is looked at first, and of SS. Bits 0 and 1 of a selector do not
        show in an error code (vol. 3A, 6.13).
        """
        code, registers = at - _TEXT_MAP, self._started()
        if bytes(self._memory.fetched[code : code + len(_IRETQ)]) != _IRETQ:
            return 0
        try:
            rip, cs, _, _, ss = struct.unpack_from("<5Q", self._memory.ram, ram_offset(registers[RSP]))
        except (ValueError, struct.error):
            return 0  # no frame in RAM: then it was not a selector
        if cs != registers[CS]:
            return int(cs) & _SELECTOR
        return int(ss) & _SELECTOR if canonical(rip) else 0

    def _on_invalid(self, uc: Uc, _: Any) -> bool:
        self.event = Event(UD, Source.EXCEPTION)
        self.faulted = True
        self.stop()
        uc.emu_stop()
        return True

    def _on_bad_access(self, _uc: Uc, access: int, address: int, _size: int, _value: int, _: Any) -> bool:
        address &= MASK64
        self.faulted = access not in _FAULTING_FETCHES
        if not canonical(address):
            self.event = Event(GP, Source.EXCEPTION, error_code=0)
            return False
        code = _PRESENT if access in _PROTECTED else 0
        if access in _FAULTING_FETCHES:
            code |= _FETCH
        elif access not in _FAULTING_READS:
            code |= _WRITE
        self.event = Event(PF, Source.EXCEPTION, code, cr2=address)
        return False
