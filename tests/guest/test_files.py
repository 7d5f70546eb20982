"""The guest's files: what one needs of another, as its object file says."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

SOURCE = Path(__file__).parents[2] / "backend" / "guest"
#: Each needs what is behind it, and nothing before it.
LAYERS = ("ftrace.c", "ftrace_modify.c", "ftrace_replace.c", "ftrace_records.c", "fops.c")


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The guest's build.py, which is no part of a package."""
    monkeypatch.syspath_prepend(SOURCE)
    return importlib.import_module("build")


def test_the_files_of_ftrace_need_each_other_in_one_direction(build: ModuleType, tmp_path: Path) -> None:
    toolchain = build.Toolchain(tmp_path)
    build.write_asm_offsets(toolchain)
    owner: dict[str, str] = {}
    needed: dict[str, set[str]] = {}
    for source in LAYERS:
        toolchain.compile_c(source, tmp_path / f"{source}.o")
        defined, undefined = symbols(tmp_path / f"{source}.o")
        owner |= dict.fromkeys(defined, source)
        needed[source] = undefined

    upwards = {
        (source, symbol, owner[symbol])
        for depth, source in enumerate(LAYERS)
        for symbol in needed[source]
        if owner.get(symbol, "") in LAYERS[:depth]
    }
    assert upwards == set()
    assert all(owner.get(symbol) for symbol in ("register_ftrace_function", "ftrace_ops_list"))


def test_every_file_of_ftrace_in_c_has_its_layer_or_stands_above_them() -> None:
    assert {path.name for path in SOURCE.glob("ftrace*.c")} - set(LAYERS) == {"ftrace_int3.c"}


def symbols(path: Path) -> tuple[set[str], set[str]]:
    """The global symbols that an object defines, and those that it wants."""
    with path.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        named = [symbol for symbol in table.iter_symbols() if symbol.name and symbol["st_info"]["bind"] != "STB_LOCAL"]
    wanted = {symbol.name for symbol in named if symbol["st_shndx"] == "SHN_UNDEF"}
    return {symbol.name for symbol in named} - wanted, wanted
