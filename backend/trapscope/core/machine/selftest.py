"""What the machine relies on from Unicorn, checked on the installed Unicorn before the first run of a process.

Each check runs a few bytes of machine code. They are the behaviours that have differed between versions, or that
documentation leaves open; docs/decisions/0002 says what each is needed for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from unicorn import unicorn_const

from trapscope.core.errors import EmulatorUnfit
from trapscope.core.machine.engine import Engine
from trapscope.core.machine.faults import BP, GP, UD, Source
from trapscope.core.types import CS, DIRECT_MAP, KERNEL_MAP, RAM_BASE, RFLAGS, RIP, RSP, SS

_TEXT: Final = KERNEL_MAP + RAM_BASE
_DATA: Final = _TEXT + 0x4000
_STACK_TOP: Final = _TEXT + 0x9000
_GDT: Final = (0, 0, 0x00AF9B000000FFFF, 0x00CF93000000FFFF)

# lgdt [rip+gdtr]; lretq to 0x10:1f; 1: ss = 0x18; rbx = rsp; push 0x18, rbx, 2, 0x10, 2f; iretq; ud2; 2: nop;
# gdtr: .word 31 (and .quad _DATA)
_TO_IRETQ: Final = bytes.fromhex(
    "0f01152a000000 488d0505000000 6a10 50 48cb b818000000 8ed0 4889e3"
    "6a18 53 6a02 6a10 488d0505000000 50 48cf 0f0b 90 1f00"
)
_IRETQ_AT: Final = _TEXT + 0x2C
_AFTER_IRETQ: Final = _TEXT + 0x30


@cache
def verify() -> None:
    """Run every check once per process; raises EmulatorUnfit naming the first behaviour that is not as needed."""
    for check in CHECKS:
        if not check():
            what = (check.__doc__ or check.__name__).splitlines()[0].rstrip(".")
            raise EmulatorUnfit(
                f"Unicorn {_version()} is not fit for Trapscope: it fails “{what}” ({check.__name__}); "
                "install the version that pyproject.toml pins"
            )


def int3_leaves_rip_behind_it() -> bool:
    """INT3 is reported once, with RIP already past the byte."""
    engine = _engine(b"\x90\xcc\x90")
    result = engine.run(8)
    event = result.event
    return result.retired == 2 and engine.registers(0)[RIP] == _TEXT + 2 and event is not None and event.vector == BP


def a_store_through_the_alias_changes_the_next_fetch() -> bool:
    """Code that was translated before is decoded anew after a guest store to its alias."""
    target = 20
    patch = (
        b"\x48\xbb" + (DIRECT_MAP + RAM_BASE + target).to_bytes(8, "little") + b"\xc6\x03\xcc"
    )  # mov byte [rbx], 0xcc
    engine = _engine(patch.ljust(target, b"\x90") + b"\x90\x90")
    engine.set_registers([(RIP, _TEXT + target)])
    before = engine.run(1)
    engine.set_registers([(RIP, _TEXT)])
    stored = engine.run(64)
    after = engine.run(64)
    return (
        before.event is None
        and [stored.retired, after.retired] == [2, target - len(patch) + 1]
        and after.event is not None
        and after.event.vector == BP
    )


def a_patch_inside_a_translated_block_is_seen() -> bool:
    """Changing one byte in the middle of a translated block changes the next run through the block."""
    engine = _engine(b"\x90" * 12)
    engine.run(12)
    engine.memory.store(_TEXT + 7, b"\xcc")
    engine.set_registers([(RIP, _TEXT)])
    result = engine.run(12)
    return result.retired == 8 and result.event is not None and result.event.vector == BP


def a_store_of_the_host_changes_the_next_fetch() -> bool:
    """Code that was translated before is decoded anew after the host wrote it."""
    engine = _engine(b"\x90\x90")
    engine.run(1)
    engine.memory.store(_TEXT, b"\xcc")
    engine.set_registers([(RIP, _TEXT)])
    event = engine.run(1).event
    return event is not None and event.vector == BP


def iretq_pops_five_words() -> bool:
    """IRETQ runs natively: it pops RIP, CS, RFLAGS, RSP and SS, and needs the guest's GDT."""
    engine = _at_iretq()
    result = engine.run(1)
    after = engine.registers(0)
    return result.event is None and (after[RIP], after[CS], after[RSP], after[SS]) == (
        _AFTER_IRETQ,
        0x10,
        _STACK_TOP,
        0x18,
    )


def iretq_of_a_garbage_ss_is_a_fault() -> bool:
    """IRETQ with a stack selector outside the GDT raises #GP at the IRETQ and changes nothing."""
    engine = _at_iretq()
    engine.memory.store(engine.registers(0)[RSP] + 32, (0x3507).to_bytes(8, "little"))
    before = tuple(engine.registers(0))
    result = engine.run(1)
    event = result.event
    return not result.retired and tuple(engine.registers(0)) == before and event is not None and event.vector == GP


def ud2_is_a_fault() -> bool:
    """UD2 raises #UD, and RIP stays at it."""
    engine = _engine(b"\x0f\x0b")
    result = engine.run(1)
    event = result.event
    return (
        not result.retired
        and engine.registers(0)[RIP] == _TEXT
        and event is not None
        and event.vector == UD
        and event.source is Source.EXCEPTION
    )


def a_device_store_happens_once() -> bool:
    """A store to the local APIC page is seen once, and the run stops behind it."""
    stores: list[int] = []
    engine = _engine(bytes.fromhex("bb0003e0fe c70307000000 9090"), stores)  # mov ebx, ICR; mov dword [rbx], 7
    stopped = engine.run(8)
    engine.run(1)
    return stores == [7] and stopped.retired == 2


CHECKS: Final[tuple[Callable[[], bool], ...]] = (
    int3_leaves_rip_behind_it,
    a_store_through_the_alias_changes_the_next_fetch,
    a_patch_inside_a_translated_block_is_seen,
    a_store_of_the_host_changes_the_next_fetch,
    iretq_pops_five_words,
    iretq_of_a_garbage_ss_is_a_fault,
    ud2_is_a_fault,
    a_device_store_happens_once,
)


def _version() -> str:
    return ".".join(str(getattr(unicorn_const, f"UC_VERSION_{part}")) for part in ("MAJOR", "MINOR", "PATCH"))


def _engine(code: bytes, stores: list[int] | None = None) -> Engine:
    def on_write(_offset: int, _size: int, value: int) -> None:
        if stores is not None:
            stores.append(value)

    engine = Engine((_TEXT, _DATA), 1, lambda _offset, _size: 0, on_write)
    engine.memory.store(_TEXT, code)
    engine.set_registers([(RIP, _TEXT), (RSP, _STACK_TOP), (RFLAGS, 2)])
    return engine


def _at_iretq() -> Engine:
    """An engine whose guest has loaded its GDT and is about to execute IRETQ."""
    engine = _engine(_TO_IRETQ + _DATA.to_bytes(8, "little"))
    engine.memory.store(_DATA, b"".join(entry.to_bytes(8, "little") for entry in _GDT))
    engine.run(64, _IRETQ_AT)
    return engine
