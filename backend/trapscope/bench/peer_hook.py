"""The peer of recording: a Unicorn code hook as its documentation writes one, reading with the binding's `reg_read`."""

from __future__ import annotations

import ctypes
import mmap
from typing import Any, Final

from unicorn import Uc, unicorn_const, x86_const

from trapscope.core.machine import REGISTER_IDS, apic
from trapscope.core.types import DIRECT_MAP, KERNEL_MAP, RAM_BASE, RAM_SIZE, RDI, REGISTERS

_PAGE: Final = 4096
_NOWHERE: Final = 1 << 63


class PlainHooks:
    """One CPU that runs from an entry and notes what Trapscope notes: registers and bytes of each step, and its stores.

    It delivers no exceptions, so it can be run only as far as there are none.
    """

    def __init__(self, ram: bytes, entry: int, cpu: int = 0) -> None:
        uc = Uc(unicorn_const.UC_ARCH_X86, unicorn_const.UC_MODE_64)
        uc.ctl_set_cpu_model(x86_const.UC_CPU_X86_ICELAKE_SERVER)
        uc.ctl_set_tlb_mode(unicorn_const.UC_TLB_VIRTUAL)
        self._ram = mmap.mmap(-1, RAM_SIZE)
        self._ram[:] = ram
        at = ctypes.addressof(ctypes.c_char.from_buffer(self._ram))
        for address in (KERNEL_MAP + RAM_BASE, DIRECT_MAP + RAM_BASE):
            uc.mem_map_ptr(address, RAM_SIZE, unicorn_const.UC_PROT_ALL, at)
        uc.mem_map(apic.BASE, _PAGE)
        self.steps: list[tuple[int, bytes, list[int]]] = []
        self.stores: list[tuple[int, int, int, int, bytes]] = []
        uc.hook_add(unicorn_const.UC_HOOK_CODE, self._on_code)
        uc.hook_add(unicorn_const.UC_HOOK_MEM_WRITE, self._on_write)
        uc.reg_write(REGISTER_IDS[RDI], cpu)
        self._uc, self._entry = uc, entry

    def run(self, count: int) -> None:
        """So many instructions."""
        self._uc.emu_start(self._entry, _NOWHERE, count=count)

    def _on_code(self, uc: Uc, address: int, size: int, _: Any) -> None:
        registers = [uc.reg_read(register) for register in REGISTER_IDS]
        self.steps.append((address, bytes(uc.mem_read(address, size)), registers))

    def _on_write(self, uc: Uc, _access: int, address: int, size: int, value: int, _: Any) -> None:
        self.stores.append((len(self.steps) - 1, address, size, value, bytes(uc.mem_read(address, size))))


assert len(REGISTER_IDS) == len(REGISTERS)
