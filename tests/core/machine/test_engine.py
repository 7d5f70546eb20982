"""The engine where a guest goes astray."""

import pytest

from trapscope.core.machine.engine import Engine
from trapscope.core.machine.faults import GP, PF
from trapscope.core.types import KERNEL_MAP, RAM_BASE, RFLAGS, RIP, RSP

TEXT = KERNEL_MAP + RAM_BASE


def standing_at(rip: int) -> Engine:
    engine = Engine((TEXT, TEXT + 0x1000), 1, lambda _offset, _size: 0, lambda _offset, _size, _value: None)
    engine.set_registers([(RIP, rip), (RSP, TEXT + 0x9000), (RFLAGS, 2)])
    return engine


@pytest.mark.parametrize("rip", [0, 0x1000, TEXT + 0x5000])
def test_a_fetch_where_no_code_is_mapped_is_a_page_fault_with_its_address(rip: int) -> None:
    result = standing_at(rip).run(5)
    assert result.retired == 0
    assert result.event is not None
    assert (result.event.vector, result.event.cr2) == (PF, rip)
    assert result.event.error_code & 16


def test_a_store_to_a_non_canonical_address_is_a_general_protection_fault() -> None:
    engine = standing_at(TEXT)
    engine.memory.store(TEXT, bytes.fromhex("48bb0000000000000080 488903"))  # mov rbx, 1 << 63; mov [rbx], rax
    result = engine.run(5)
    assert result.retired == 1
    assert result.event is not None
    assert result.event.vector == GP
