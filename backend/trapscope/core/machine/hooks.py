"""What Unicorn's hooks see during one run of a slice: registers before each instruction, stores, exceptions.

The hooks only note and ask for a stop; the engine acts between runs. Never emu_stop or ctl_remove_cache inside a
memory hook: the store would happen twice, or the process would end (docs/decisions/0002).
"""

from __future__ import annotations

import ctypes
import struct
from typing import Any, Final

from unicorn import Uc, UcError, unicorn_const
from unicorn.unicorn_py3.unicorn import HOOK_CODE_CFUNC, HOOK_MEM_ACCESS_CFUNC, uclib

from trapscope.core.machine.delivery import canonical
from trapscope.core.machine.faults import GP, PF, UD, Event, Source
from trapscope.core.machine.guest_memory import GuestMemory
from trapscope.core.machine.registers import ROWS, RegisterFile
from trapscope.core.types import CS, KERNEL_MAP, MASK64, RAM_BASE, RIP, RSP, Write, ram_offset

_TEXT_MAP: Final = KERNEL_MAP + RAM_BASE
_PRESENT, _WRITE, _FETCH = 1, 2, 16
_IRETQ: Final = b"\x48\xcf"
_SELECTOR: Final = 0xFFFC
_FAULTING_READS: Final = (unicorn_const.UC_MEM_READ_UNMAPPED, unicorn_const.UC_MEM_READ_PROT)
_FAULTING_FETCHES: Final = (unicorn_const.UC_MEM_FETCH_UNMAPPED, unicorn_const.UC_MEM_FETCH_PROT)
_PROTECTED: Final = (unicorn_const.UC_MEM_READ_PROT, unicorn_const.UC_MEM_WRITE_PROT, unicorn_const.UC_MEM_FETCH_PROT)


class Hooks:
    """The constant set of hooks of one engine, and the notes of its latest run.

    Row i of the register file's rows and of `sizes` belongs to the i-th instruction that was started, i < `count`.
    """

    def __init__(self, uc: Uc, registers: RegisterFile, memory: GuestMemory, *, weak: bool) -> None:
        self._uc, self._registers, self._memory = uc, registers, memory
        self.count = 0
        self.sizes = [0] * ROWS
        self.writes: list[tuple[int, Write]] = []
        self.event: Event | None = None
        self.faulted = False
        """Whether the last instruction that was started is to be restarted."""
        self.patched: list[tuple[int, bytes, bytes]] = []
        """Stores to text: RAM offset, old, new."""
        self.looked_at: dict[int, int] = {}
        """Stale bytes of text that a data read replaced by memory's for the length of this run."""
        self.error: BaseException | None = None
        self.stop_after: frozenset[int] = frozenset()
        self._stop = False
        self._stop_at: frozenset[int] = frozenset()
        self._stale: dict[int, int] = {}
        # The two hooks that run for every instruction go past the binding, whose wrappers cost more than they do.
        self._raw = (
            self._add_raw(unicorn_const.UC_HOOK_CODE, HOOK_CODE_CFUNC(self._on_code)),
            self._add_raw(unicorn_const.UC_HOOK_MEM_WRITE, HOOK_MEM_ACCESS_CFUNC(self._on_write)),
        )
        if weak:
            self._uc.hook_add(unicorn_const.UC_HOOK_MEM_READ, self._on_read)
        self._uc.hook_add(unicorn_const.UC_HOOK_INTR, self._on_exception)
        self._uc.hook_add(unicorn_const.UC_HOOK_INSN_INVALID, self._on_invalid)
        self._uc.hook_add(unicorn_const.UC_HOOK_MEM_INVALID, self._on_bad_access)

    def begin(self, stale: dict[int, int], stop_at: frozenset[int]) -> None:
        """A run is about to start; `stale` is what its CPU would decode, `stop_at` where it must not go."""
        self.count = 0
        self.writes, self.patched, self.looked_at = [], [], {}
        self.event = None
        self.faulted = self._stop = False
        self._stale, self._stop_at = stale, stop_at

    def stop(self) -> None:
        """End the run behind the current instruction."""
        self._stop = True

    def _add_raw(self, kind: int, callback: Any) -> Any:
        """Register a C callback for all addresses; returns it, because it must outlive the engine."""
        handle, everywhere = ctypes.c_size_t(), (ctypes.c_uint64(1), ctypes.c_uint64(0))
        status = uclib.uc_hook_add(
            self._uc._uch, ctypes.byref(handle), kind, ctypes.cast(callback, ctypes.c_void_p), None, *everywhere
        )
        if status:
            raise UcError(status)
        return callback

    def _on_code(self, _handle: Any, address: int, size: int, _: Any) -> None:
        if self._stop or address in self._stop_at:
            self._uc.emu_stop()
            return
        row = self.count
        self._registers.keep(row)
        self.sizes[row] = size
        self.count = row + 1
        if address in self.stop_after:
            self._stop = True

    def _on_write(self, _handle: Any, _access: int, address: int, size: int, value: int, _: Any) -> None:
        try:
            offset = ram_offset(address)
        except ValueError:
            return  # the local APIC, or a store that faults
        try:
            data = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
            row = self.count - 1
            old = bytes(self._memory.ram[offset : offset + size])
            self.writes.append((row, Write(address, old, data)))
            if self._memory.is_text(offset, size):
                self.patched.append((offset, old, data))
                self._stop = True
        except BaseException as error:  # noqa: BLE001 - ctypes would drop it; run() raises it
            self.error = error
            self._stop = True

    def _on_read(self, _uc: Uc, _access: int, address: int, size: int, _value: int, _: Any) -> None:
        """A data read of text is coherent: show memory's bytes for this instruction, without a new translation."""
        for offset in range(address - _TEXT_MAP, address - _TEXT_MAP + size):
            if offset in self._stale:
                self.looked_at[offset] = self._stale[offset]
                self._memory.fetched[offset] = self._memory.ram[offset]

    def _on_exception(self, uc: Uc, vector: int, _: Any) -> None:
        at = self._registers.kept(self.count - 1)[RIP]
        software = self._registers.read()[RIP] != at
        if software:
            self.event = Event(vector, Source.SOFTWARE, restart=at)
        else:
            self.event = Event(vector, Source.EXCEPTION, self._refused_selector(at))
            self.faulted = True
        self._stop = True
        uc.emu_stop()

    def _refused_selector(self, at: int) -> int:
        """The error code of a fault: of IRETQ, the selector in its frame that the CPU refused; 0 of anything else.

        SDM vol. 2, IRET: #GP(selector) of CS, which is looked at first, and of SS. Bits 0 and 1 of a selector do not
        show in an error code (vol. 3A, 6.13).
        """
        code, registers = at - _TEXT_MAP, self._registers.kept(self.count - 1)
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
        self.faulted = self._stop = True
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
