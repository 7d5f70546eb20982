"""Plays a scenario in QEMU at full speed, and reads what the guest says of itself on its serial line."""

from __future__ import annotations

import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trapscope.core.image import Image
from trapscope.core.types import KERNEL_MAP
from trapscope.oracle import qemu_program

_SECONDS: Final = 60
_MAGIC: Final = 0x50415254


@dataclass(frozen=True)
class Report:
    """The guest's verdict by name, and its `struct report` as it was printed."""

    verdict: str
    counts: dict[str, int]


def play(
    folder: Path,
    image: Image,
    elf: bytes,
    scenario: str,
    design: str,
    *variants: str,
    cpus: int = 1,
    rounds: int = 1,
) -> Report:
    """One run from QEMU's start to its debug-exit. `thread=single`: multi-threaded TCG 7.2 fetches stale code."""
    program = qemu_program()
    assert program is not None, "qemu-system-x86_64 is not installed: make test installs it"
    bits = image.enum("variant_bit")
    params = struct.pack(
        "<6I",
        _MAGIC,
        image.enum("scenario_id")["SCENARIO_" + scenario.replace("-", "_")],
        image.enum("design_id")["DESIGN_" + design],
        sum(1 << bits["VARIANT_" + variant.replace("-", "_")] for variant in variants),
        cpus,
        rounds,
    )
    (folder / "params").write_bytes(params)
    (folder / "guest.elf").write_bytes(elf)
    command = [
        program, "-accel", "tcg,thread=single", "-cpu", "Icelake-Server", "-m", "64", "-smp", str(cpus),
        "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio", "-kernel", "guest.elf",
        "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
        "-device", f"loader,file=params,addr={image.symbol('boot_params').address - KERNEL_MAP:#x},force-raw=on",
    ]  # fmt: skip
    ended = subprocess.run(command, cwd=folder, capture_output=True, timeout=_SECONDS, check=False)
    printed = ended.stdout.decode()
    assert printed.endswith("\n"), f"the guest did not report: {printed!r} {ended.stderr.decode()[-300:]}"
    counts = {name: int(value, 16) for name, value in (line.split("=") for line in printed.split())}
    assert ended.returncode == 2 * counts["verdict"] + 1
    names = {value: name.removeprefix("VERDICT_") for name, value in image.enum("verdict").items()}
    return Report(names[counts["verdict"]], counts)
