"""A stopped QEMU with the guest in it, stepped through its gdbstub.

The stub is on QEMU's own standard input and output, so there is no port to choose and nothing to wait for. What
the stub of QEMU 7.2 does at each kind of step is in backend/guest/README.md's fidelity section.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from trapscope.core.image import Image
from trapscope.core.machine import TIMER_VECTOR, BootParams
from trapscope.core.machine.apic import BASE as APIC_BASE
from trapscope.core.types import KERNEL_MAP, RAM_BASE, RAM_SIZE, RAX, RCX, REGISTERS, RIP
from trapscope.oracle.gdb_remote import GdbFailed, GdbRemote

#: QEMU's `g` packet for x86-64: 16 general registers and RIP, then EFLAGS and six selectors of 4 bytes, then the
#: bases of FS and GS; the rest (control registers, x87, SSE) is only handed back.
_LAYOUT: Final = struct.Struct("<17Q7I2Q")
_GENERAL: Final = (
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rflags", "cs", "ss",
)  # fmt: skip
_SELECTORS_AND_BASES: Final = ("ds", "es", "fs", "gs", "fs_base", "gs_base")
_FIELDS: Final = _GENERAL + _SELECTORS_AND_BASES

#: `Qqemu.sstep` bits: 1 single-step, 2 hold interrupts back, 4 stop the timers meanwhile.
_STEP_TAKING_INTERRUPTS: Final = 5
_STEP_HOLDING_INTERRUPTS: Final = 7
_ICR_LOW: Final = APIC_BASE + 0x300
_ICR_TO_SELF: Final = 1 << 18
_STORE_ECX_AT_RAX: Final = bytes.fromhex("8908")
#: Uncorrected, enabled, valid, PCC clear: bank 0 (SDM vol. 3B, 15.3.2.2), MCG_STATUS.MCIP.
_MACHINE_CHECK: Final = "mce 0 0 0xb200000000000000 0x4 0 0"


class QemuFailed(Exception):
    """QEMU could not be started or gave up; the message holds what it said."""


def qemu_program() -> str | None:
    """The path of qemu-system-x86_64, or None where it is not installed."""
    return shutil.which("qemu-system-x86_64")


class Qemu:
    """One CPU under TCG that stands at the guest's `startup_64`. A context manager: leaving it ends QEMU."""

    def __init__(self, image: Image, elf: bytes, params: BootParams) -> None:
        program = qemu_program()
        if program is None:
            raise QemuFailed("qemu-system-x86_64 is not installed")
        self._directory = tempfile.TemporaryDirectory(prefix="trapscope-qemu-")
        self._folder = folder = Path(self._directory.name)
        (folder / "guest.elf").write_bytes(elf)
        block = image.symbol("boot_params").address
        (folder / "boot_params").write_bytes(_boot_block(image, block, params))
        self._borrowed = image.symbol("startup_64").address
        command = [
            program, "-accel", "tcg", "-smp", str(params.cpus), "-cpu", "Icelake-Server", "-m", "64",
            "-nodefaults", "-display", "none", "-no-reboot", "-S", "-gdb", "stdio",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-kernel", "guest.elf",
            "-device", f"loader,file=boot_params,addr={block - KERNEL_MAP:#x},force-raw=on",
        ]  # fmt: skip
        self._errors = (folder / "errors").open("wb+")
        self._process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._gdb = GdbRemote(self._process.stdout.fileno(), self._process.stdin.fileno())
            self._run_to(self._borrowed)
            self._gdb.expect_ok(f"Qqemu.sstep={_STEP_TAKING_INTERRUPTS:x}")
        except GdbFailed as error:
            said = self._said()
            self.close()
            raise QemuFailed(f"{error}; QEMU said: {said or 'nothing'}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End QEMU and remove its files."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()
        self._directory.cleanup()

    def registers(self) -> tuple[int, ...]:
        """The CPU's registers, in the order of REGISTERS."""
        fields = self._fields()
        return tuple(fields[name] for name in REGISTERS)

    def step(self) -> None:
        """One instruction and the exception that it raises, or one delivery of an interrupt."""
        answer = self._gdb.ask("s")
        if not answer.startswith("T05"):
            raise QemuFailed(f"a step ended in {answer!r}; QEMU said: {self._said() or 'nothing'}")

    def read(self, address: int, length: int) -> bytes:
        """Guest memory by virtual address."""
        return self._gdb.read(address, length)

    def write(self, address: int, data: bytes) -> None:
        """Change guest memory by virtual address."""
        self._gdb.write(address, data)

    def ram(self) -> bytes:
        """All of guest RAM."""
        self._gdb.monitor(f"pmemsave {RAM_BASE:#x} {RAM_SIZE:#x} ram")
        return (self._folder / "ram").read_bytes()

    def inject_nmi(self) -> None:
        """Raise an NMI; the CPU takes it at a later step."""
        self._gdb.monitor("nmi")

    def inject_machine_check(self) -> None:
        """Raise a machine check."""
        self._gdb.monitor(_MACHINE_CHECK)

    def inject_irq(self) -> None:
        """Raise the timer vector at the local APIC: an ICR store, made by two borrowed bytes of the guest's text.

        No monitor command does it. Registers and text are put back, so the guest never knows.
        """
        kept_registers, kept_code = self._gdb.ask("g"), self._gdb.read(self._borrowed, len(_STORE_ECX_AT_RAX))
        blob = bytearray.fromhex(kept_registers)
        for register, value in ((RIP, self._borrowed), (RAX, _ICR_LOW), (RCX, _ICR_TO_SELF | TIMER_VECTOR)):
            struct.pack_into("<Q", blob, 8 * _FIELDS.index(REGISTERS[register]), value)
        self._gdb.write(self._borrowed, _STORE_ECX_AT_RAX)
        self._gdb.expect_ok(f"Qqemu.sstep={_STEP_HOLDING_INTERRUPTS:x}")
        self._gdb.expect_ok("G" + blob.hex())
        self.step()
        self._gdb.write(self._borrowed, kept_code)
        self._gdb.expect_ok("G" + kept_registers)
        self._gdb.expect_ok(f"Qqemu.sstep={_STEP_TAKING_INTERRUPTS:x}")

    def _fields(self) -> dict[str, int]:
        blob = bytes.fromhex(self._gdb.ask("g"))
        return dict(zip(_FIELDS, _LAYOUT.unpack_from(blob), strict=True))

    def _run_to(self, address: int) -> None:
        """Run at full speed until the address is about to be executed."""
        self._gdb.expect_ok(f"Z1,{address:x},1")
        self._gdb.ask("c")
        self._gdb.expect_ok(f"z1,{address:x},1")
        at = self._fields()["rip"]
        if at != address:
            raise GdbFailed(f"the guest stopped at {at:#x} instead of {address:#x}")

    def _said(self) -> str:
        """QEMU's own words, less those about features of the CPU model that TCG lacks."""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").splitlines()
        return "; ".join(line for line in lines if "TCG doesn't support requested feature" not in line)


def _boot_block(image: Image, address: int, params: BootParams) -> bytes:
    """`struct boot_params` as the ELF has it, with the run's own values."""
    block = bytearray(image.bytes_at(address, image.struct("boot_params").size))
    for name, value in asdict(params).items():
        at = image.offset("boot_params", name)
        block[at : at + 4] = value.to_bytes(4, "little")
    return bytes(block)
