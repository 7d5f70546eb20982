"""Source lines of addresses, in C and in assembly."""

import pytest

from trapscope import assets
from trapscope.core.image import Image, LineTable, SourceLine


def source_at(image: Image, address: int, *, back: int = 0) -> str:
    """The text of the address's line, or of the one so many lines further up."""
    line = image.line(address)
    assert line is not None
    return assets.sources()[line.file].splitlines()[line.line - 1 - back]


@pytest.mark.parametrize("name", ["traced_fn", "do_int3"])
def test_a_c_function_begins_at_its_opening_brace(image: Image, name: str) -> None:
    address = image.symbol(name).address
    assert source_at(image, address) == "{"
    assert f"{name}(" in source_at(image, address, back=1)


def test_assembly_has_lines_too(image: Image) -> None:
    iretq = image.symbol("native_irq_return_iret").address
    assert str(image.line(iretq)).startswith("entry.S:")
    assert "iretq" in source_at(image, iretq)


def test_an_instruction_of_a_macro_is_at_the_line_that_uses_it(image: Image) -> None:
    assert "ftrace_int3_stub_list_func" in source_at(image, image.symbol("ftrace_int3_stub_list_func").address + 4)


def test_every_file_with_code_is_one_of_the_sources(image: Image) -> None:
    assert set(image.lines.files) <= set(assets.sources())


def test_a_row_covers_addresses_up_to_the_next_and_none_behind_a_sequence() -> None:
    first, second = SourceLine("a.c", 1), SourceLine("a.c", 2)
    lines = LineTable([(0x20, second), (0x10, first), (0x30, None)])
    assert [lines.find(address) for address in (0x0F, 0x10, 0x1F, 0x20, 0x2F, 0x30)] == [
        None, first, first, second, second, None,
    ]  # fmt: skip


def test_a_sequence_that_begins_where_another_ends_wins() -> None:
    last, first = SourceLine("a.c", 9), SourceLine("b.c", 1)
    for rows in ([(0x10, last), (0x20, None), (0x20, first)], [(0x20, first), (0x20, None), (0x10, last)]):
        assert LineTable(rows).find(0x20) == first


def test_the_addresses_of_a_file_are_those_that_lead_back_to_it(image: Image) -> None:
    found = image.lines.addresses_of("traps.c")
    assert found
    assert all(image.line(address) == SourceLine("traps.c", line) for address, line in found.items())
