"""Where an instruction does not just retire: Unicorn's hooks for exceptions, undecodable bytes and bad accesses.

They only note and ask for a stop; the engine acts between runs (docs/decisions/0002).
"""

from __future__ import annotations

import struct
from typing import Any, Final

from unicorn import Uc, unicorn_const, x86_const

from trapscope.core.machine.delivery import canonical
from trapscope.core.machine.faults import GP, PF, UD, Event, Source
from trapscope.core.machine.guest_memory import GuestMemory
from trapscope.core.machine.recorder import Recorder
from trapscope.core.machine.registers import RegisterFiles
from trapscope.core.types import CS, KERNEL_MAP, MASK64, RAM_BASE, RIP, RSP, ram_offset

_TEXT_MAP: Final = KERNEL_MAP + RAM_BASE
_PRESENT, _WRITE, _FETCH = 1, 2, 16
_IRETQ: Final = b"\x48\xcf"
_SELECTOR: Final = 0xFFFC
_FAULTING_READS: Final = (unicorn_const.UC_MEM_READ_UNMAPPED, unicorn_const.UC_MEM_READ_PROT)
_FAULTING_FETCHES: Final = (unicorn_const.UC_MEM_FETCH_UNMAPPED, unicorn_const.UC_MEM_FETCH_PROT)
_PROTECTED: Final = (unicorn_const.UC_MEM_READ_PROT, unicorn_const.UC_MEM_WRITE_PROT, unicorn_const.UC_MEM_FETCH_PROT)


class Hooks:
    """What stopped the latest run of one engine before or behind its last instruction."""

    def __init__(self, uc: Uc, files: RegisterFiles, recorder: Recorder, memory: GuestMemory) -> None:
        self._files, self._recorder, self._memory = files, recorder, memory
        self.event: Event | None = None
        self.faulted = False
        """Whether the last instruction that was started is to be restarted."""
        uc.hook_add(unicorn_const.UC_HOOK_INTR, self._on_exception)
        uc.hook_add(unicorn_const.UC_HOOK_INSN_INVALID, self._on_invalid)
        uc.hook_add(unicorn_const.UC_HOOK_MEM_INVALID, self._on_bad_access)

    def begin(self) -> None:
        """A run is about to start."""
        self.event = None
        self.faulted = False

    def _on_exception(self, uc: Uc, vector: int, _: Any) -> None:
        at = self._started()[RIP]
        software = uc.reg_read(x86_const.UC_X86_REG_RIP) != at
        if software:
            self.event = Event(vector, Source.SOFTWARE, restart=at)
        else:
            self.event = Event(vector, Source.EXCEPTION, self._refused_selector(at))
            self.faulted = True
        self._recorder.stop()
        uc.emu_stop()

    def _started(self) -> memoryview[int]:
        """The registers before the instruction that was started last."""
        return self._files.kept(self._recorder.notes.rows - 1)

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
        self._recorder.stop()
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
