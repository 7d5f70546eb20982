"""The weak fetch model: a CPU decodes old bytes until it serialises; data reads are always coherent."""

import pytest

from trapscope.core.machine.code import serialises
from trapscope.core.machine.engine import Engine
from trapscope.core.machine.fetch_view import FetchViews
from trapscope.core.types import DIRECT_MAP, KERNEL_MAP, RAM_BASE, RAX, RBX, RFLAGS, RIP, RSP, FetchModel

TEXT = KERNEL_MAP + RAM_BASE
SITE = 0x100
PATCH = b"\x48\xbb" + (DIRECT_MAP + RAM_BASE + SITE).to_bytes(8, "little") + b"\xc6\x03\xcc"  # mov byte [rbx], 0xcc
READ = b"\x0f\xb6\x04\x25" + (TEXT + SITE & 0xFFFFFFFF).to_bytes(4, "little")  # movzx eax, byte [TEXT + SITE]
CPUID = b"\x0f\xa2"


def engine(fetch: FetchModel, code: bytes) -> Engine:
    made = Engine((TEXT, TEXT + 0x1000), 2, lambda _offset, _size: 0, lambda _offset, _size, _value: None, fetch)
    made.memory.store(TEXT, code)
    made.memory.store(TEXT + SITE, b"\x0f\x1f\x44\x00\x00")
    for cpu in (1, 0):
        made.become(cpu)
        made.set_registers([(RIP, TEXT), (RSP, TEXT + 0x9000), (RFLAGS, 2)])
    return made


def decoded_at_site(made: Engine) -> bytes | None:
    """The bytes of the next instruction at the site; None where it does not retire."""
    made.set_registers([(RIP, TEXT + SITE)])
    return made.run(1).last_code or None


def patched(fetch: FetchModel, after: bytes = b"") -> Engine:
    made = engine(fetch, PATCH + after)
    made.run(2)
    return made


@pytest.mark.parametrize("cpu", [0, 1])
def test_in_the_weak_model_both_writer_and_other_cpu_decode_the_old_bytes(cpu: int) -> None:
    made = patched(FetchModel.WEAK)
    made.become(cpu)
    assert decoded_at_site(made) == b"\x0f\x1f\x44\x00\x00"
    assert made.stale(cpu) == {SITE: 0x0F}


@pytest.mark.parametrize("cpu", [0, 1])
def test_in_the_coherent_model_every_cpu_decodes_the_new_byte_at_once(cpu: int) -> None:
    made = patched(FetchModel.COHERENT)
    made.become(cpu)
    assert decoded_at_site(made) == b"\xcc"


def test_a_serialising_instruction_ends_the_lag_of_its_own_cpu_only() -> None:
    made = patched(FetchModel.WEAK, CPUID)
    made.run(1)
    assert made.stale(0) == {}
    assert decoded_at_site(made) == b"\xcc"
    made.become(1)
    assert decoded_at_site(made) == b"\x0f\x1f\x44\x00\x00"


def test_a_data_read_of_stale_text_gives_what_memory_holds_and_does_not_end_the_lag() -> None:
    made = patched(FetchModel.WEAK, READ)
    assert made.run(1).retired == 1
    assert made.registers(0)[RAX] == 0xCC
    assert decoded_at_site(made) == b"\x0f\x1f\x44\x00\x00"


def test_one_byte_can_be_caught_up_alone() -> None:
    made = engine(FetchModel.WEAK, PATCH[:10] + b"\xc7\x03\xcc\x37\x2e\x00")  # mov dword [rbx], 0x002e37cc
    made.run(2)
    made.catch_up(0, SITE + 1)
    assert made.stale(0) == {SITE: 0x0F, SITE + 2: 0x44}
    # 0f 37 is GETSEC: the torn instruction that the protocol exists to prevent.
    assert decoded_at_site(made) is None


def test_a_byte_written_back_to_what_the_cpu_still_sees_is_not_stale() -> None:
    views = FetchViews(1, FetchModel.WEAK)
    views.stored(5, b"\x0f", b"\xcc")
    views.stored(5, b"\xcc", b"\x0f")
    assert views.stale(0) == {}


def test_after_two_stores_the_cpu_still_sees_the_first_of_the_three_values() -> None:
    views = FetchViews(1, FetchModel.WEAK)
    views.stored(5, b"\x0f", b"\xcc")
    views.stored(5, b"\xcc", b"\xe8")
    assert views.stale(0) == {5: 0x0F}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("48cf", True),  # iretq
        ("0fa2", True),  # cpuid
        ("0f22d8", True),  # mov cr3, rax
        ("440f22c0", False),  # mov cr8, rax
        ("0f30", True),  # wrmsr
        ("0f0115aabbccdd", True),  # lgdt
        ("0f011daabbccdd", True),  # lidt
        ("0f00d8", True),  # ltr ax
        ("0f0138", True),  # invlpg [rax]
        ("0f01e8", True),  # serialize
        ("0f01f8", False),  # swapgs
        ("0f20d8", False),  # mov rax, cr3
        ("0fae f0", False),  # mfence
        ("c3", False),
    ],
)
def test_the_serialising_instructions_are_those_of_the_manual(code: str, expected: bool) -> None:
    assert serialises(bytes.fromhex(code)) is expected


def test_a_store_by_the_guest_is_recorded_with_old_and_new_bytes_through_the_alias() -> None:
    made = engine(FetchModel.COHERENT, PATCH)
    assert made.run(2).retired == 2
    assert made.journal.stored(0) == [(1, DIRECT_MAP + RAM_BASE + SITE, 1, 0x0F, 0xCC)]
    assert made.registers(0)[RBX] == DIRECT_MAP + RAM_BASE + SITE
