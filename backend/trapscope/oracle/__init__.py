"""QEMU beside the machine: the same ELF on two emulators, compared after every instruction."""

from trapscope.oracle.lockstep import Comparison, Disagreement, compare
from trapscope.oracle.qemu import Qemu, QemuFailed, qemu_program
from trapscope.oracle.recording import Injection, Recording, record

__all__ = [
    "Comparison",
    "Disagreement",
    "Injection",
    "Qemu",
    "QemuFailed",
    "Recording",
    "compare",
    "qemu_program",
    "record",
]
