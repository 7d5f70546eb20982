"""Unicorn's C functions that run once a step or once a slice, called without the binding's wrappers.

The wrappers cost more than the functions: a read of 21 registers takes 0.6 µs here and 40 µs there
(docs/decisions/0002). The GIL stays held, because every call back into Python would otherwise fetch it anew.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final

from unicorn import Uc, UcError
from unicorn.unicorn_py3.unicorn import uclib

#: The folder of this package, with a slash at its end.
PACKAGE: Final = __file__.removesuffix("core/machine/native.py")

_LIBRARY: Final = ctypes.PyDLL(uclib._name)

#: (engine, first address, address to stop at, time-out in µs or 0, instructions) → status
start: Final = _LIBRARY.uc_emu_start

#: (engine) → status
stop: Final = _LIBRARY.uc_emu_stop

#: (engine, register numbers, pointers to 64-bit cells, count). No argument types: converting takes longer than reading.
read_registers: Final = _LIBRARY.uc_reg_read_batch
read_registers.restype = None

#: (engine, register number, pointer) → status
read_register: Final = _LIBRARY.uc_reg_read
read_register.restype = ctypes.c_int


class TableRegister(ctypes.Structure):
    """What is read of GDTR, IDTR, LDTR and TR (`uc_x86_mmr`)."""

    _fields_ = (
        ("selector", ctypes.c_uint16),
        ("base", ctypes.c_uint64),
        ("limit", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
    )


#: (engine, register numbers, pointers to 64-bit cells, count) → status
write_registers: Final = _LIBRARY.uc_reg_write_batch
write_registers.restype = ctypes.c_int

#: (engine, context), both ways
save_context: Final = _LIBRARY.uc_context_save
save_context.restype = None
restore_context: Final = _LIBRARY.uc_context_restore
restore_context.restype = None


def add_hook(uc: Uc, kind: int, function: Any, argument: Any) -> None:
    """Have Unicorn call a C function with this last argument, wherever the kind of hook applies."""
    handle = ctypes.c_size_t()
    check(
        uclib.uc_hook_add(
            uc._uch,
            ctypes.byref(handle),
            kind,
            ctypes.cast(function, ctypes.c_void_p),
            argument,
            ctypes.c_uint64(1),
            ctypes.c_uint64(0),
        )
    )


def check(status: int) -> None:
    """Raise UcError for a status that is not success."""
    if status:
        raise UcError(status)


def handle_of(uc: Uc) -> ctypes.c_void_p:
    """The engine as these functions take it."""
    return ctypes.c_void_p(uc._uch.value)
