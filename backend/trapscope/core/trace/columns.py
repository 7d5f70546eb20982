"""A trace, or a part of one, as numpy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trapscope.core.types import DeviceWrite


class Columns(NamedTuple):
    """The trace as numpy views, not to be written; true until the trace grows. n steps, c changes, w writes.

    Step i changed registers change_end[i]:change_end[i+1] and wrote write_end[i]:write_end[i+1].
    """

    cpu: NDArray[np.uint8]
    """(n)"""
    code: NDArray[np.uint32]
    """(n) index into `Trace.code_table`"""
    vector: NDArray[np.int16]
    """(n) -1 for an instruction"""
    change_end: NDArray[np.int64]
    """(n + 1)"""
    register: NDArray[np.uint8]
    """(c) index into REGISTERS"""
    reg_old: NDArray[np.uint64]
    """(c)"""
    reg_new: NDArray[np.uint64]
    """(c)"""
    write_end: NDArray[np.int64]
    """(n + 1)"""
    write_addr: NDArray[np.uint64]
    """(w) virtual, of either mapping"""
    write_size: NDArray[np.uint8]
    """(w) bytes, 1 to 8"""
    write_old: NDArray[np.uint64]
    """(w) little-endian"""
    write_new: NDArray[np.uint64]
    """(w) little-endian"""
    error_code: Mapping[int, int]
    """By step, where a delivery pushed one."""
    device: Mapping[int, tuple[DeviceWrite, ...]]
    """By step, in order, where one stored to a device."""
