"""Symbols: which one covers an address, and how the guest's are found."""

import pytest

from trapscope.core.errors import ImageError
from trapscope.core.image import Image, Symbol
from trapscope.core.image.symbols import SymbolTable

SECTION_END = 0x2000


def table(*symbols: Symbol) -> SymbolTable:
    return SymbolTable((symbol, 0, SECTION_END) for symbol in symbols)


def test_a_function_covers_its_size_and_no_more() -> None:
    fn = Symbol("fn", 0x1000, 0x10)
    symbols = table(fn)
    assert symbols.locate(0x0FFF) is None
    assert symbols.locate(0x1000) == (fn, 0)
    assert symbols.locate(0x100F) == (fn, 0xF)
    assert symbols.locate(0x1010) is None


def test_a_label_in_a_function_covers_what_follows_it() -> None:
    fn, label = Symbol("ftrace_caller", 0x1000, 0x40), Symbol("ftrace_call", 0x1020, 0)
    assert table(fn, label).locate(0x1025) == (label, 5)


def test_behind_an_inner_object_the_outer_one_covers_again() -> None:
    outer, inner = Symbol("outer", 0x1000, 0x40), Symbol("inner", 0x1010, 0x8)
    assert table(outer, inner).locate(0x1018) == (outer, 0x18)


def test_nothing_covers_what_is_behind_the_section() -> None:
    assert table(Symbol("last", 0x1F00, 0)).locate(SECTION_END) is None


def test_per_cpu_symbols_cover_offsets_and_not_addresses() -> None:
    task = Symbol("current_task", 0x38, 8, per_cpu=True)
    symbols = table(task, Symbol("low", 0x30, 0))
    assert symbols.locate(0x38) == (Symbol("low", 0x30, 0), 8)
    assert symbols.locate_per_cpu(0x3C) == (task, 4)
    assert symbols.locate_per_cpu(0x30) is None


def test_names_carry_the_offset_in_hex_at_the_symbol_too(image: Image) -> None:
    stub = image.symbol("ftrace_int3_stub_regs_caller")
    assert image.name(stub.address) == "ftrace_int3_stub_regs_caller+0x0"
    assert image.name(stub.address + 0xA) == "ftrace_int3_stub_regs_caller+0xa"
    assert image.name(image.symbol("ftrace_call").address + 5) == "ftrace_call+0x5"
    assert image.name(image.symbol("_etext").address + 0x100000) is None


def test_per_cpu_variables_are_named_by_their_offset(image: Image) -> None:
    assert image.symbol("current_task").per_cpu
    assert image.per_cpu_name(image.symbol("current_task").address + 4) == "current_task+0x4"
    assert image.name(image.symbol("current_task").address) is None


def test_a_symbol_that_is_missing_is_named(image: Image) -> None:
    assert image.find("no_such_symbol") is None
    with pytest.raises(ImageError, match="no symbol 'no_such_symbol'"):
        image.symbol("no_such_symbol")


def test_symbols_are_sorted_and_all_of_text_is_covered(image: Image) -> None:
    addresses = [symbol.address for symbol in image.symbols]
    assert addresses == sorted(addresses)
    for name in ("int3", "do_int3", "ftrace_int3_handler", "ftrace_regs_caller", "traced_fn"):
        symbol = image.symbol(name)
        assert image.locate(symbol.address + symbol.size - 1) is not None


def test_what_is_no_elf_is_refused_in_one_line() -> None:
    with pytest.raises(ImageError, match="no ELF file"):
        Image.from_bytes(b"MZ" + bytes(100))


def test_loaded_bytes_are_found_by_virtual_address(image: Image) -> None:
    magic = image.symbol("boot_params").address + image.offset("boot_params", "magic")
    assert image.bytes_at(magic, 4) == b"TRAP"
    with pytest.raises(ImageError, match="no segment"):
        image.bytes_at(0x1234, 4)
