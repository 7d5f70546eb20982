"""The peer of recording: QEMU's gdbstub, a single step and all registers at a time, as debuggers ask for them."""

from __future__ import annotations

from time import perf_counter

from trapscope.core.image import Image
from trapscope.core.machine import BootParams
from trapscope.core.types import RIP
from trapscope.oracle import Qemu


def steps_a_second(image: Image, elf: bytes, params: BootParams, count: int) -> tuple[float, tuple[int, ...]]:
    """How many steps a second QEMU makes from the 64-bit entry, and where each of them began.

    The stub is asked over a pipe, which is faster than a socket. A stop at which QEMU had made no progress is none.
    """
    with Qemu(image, elf, params) as qemu:
        rips = [qemu.registers()[RIP]]
        start = perf_counter()
        while len(rips) <= count:
            qemu.step()
            rip = qemu.registers()[RIP]
            if rip != rips[-1]:
                rips.append(rip)
        return count / (perf_counter() - start), tuple(rips[:-1])
