"""What the host does before the first instruction: the ELF's segments into RAM, the choices into `boot_params`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trapscope.core.image import Image
from trapscope.core.machine.engine import Engine
from trapscope.core.types import DIRECT_MAP, RAM_BASE

_PAUSE: Final = b"\xf3\x90"


@dataclass(frozen=True, slots=True)
class BootParams:
    """What the host writes into the guest's `boot_params` before start; numbers are the guest's enumerators."""

    scenario: int
    design: int
    variants: int
    cpus: int


def load(image: Image, params: BootParams, engine: Engine) -> None:
    """Fill the engine's memory as a boot loader would; raises ImageError if the guest has no such parameters."""
    for segment in image.segments:
        if segment.paddr < RAM_BASE:
            continue  # the real-mode start of QEMU's other CPUs, which the machine does not need
        engine.memory.store(DIRECT_MAP + segment.paddr, segment.data)
        engine.stop_after(_pauses(segment.vaddr, segment.data))
    at = image.symbol("boot_params").address
    for name, value in (
        ("scenario", params.scenario),
        ("design", params.design),
        ("variants", params.variants),
        ("cpus", params.cpus),
    ):
        engine.memory.store(at + image.offset("boot_params", name), value.to_bytes(4, "little"))


def _pauses(address: int, text: bytes) -> frozenset[int]:
    """Every address at which the bytes of PAUSE stand."""
    found, at = [], text.find(_PAUSE)
    while at >= 0:
        found.append(address + at)
        at = text.find(_PAUSE, at + 1)
    return frozenset(found)
