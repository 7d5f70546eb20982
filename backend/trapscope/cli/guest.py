"""`trapscope guest`: what runs inside, as its own ELF says."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Final

from trapscope import assets
from trapscope.cli.layout import pahole
from trapscope.core.errors import BadInput
from trapscope.core.image import Image, Layouts, Symbol, read_layouts

#: What the patch changes, and where that lies.
_OF_THE_PATCH: Final = ("thread_info", "task_struct")


def print_layouts(arguments: argparse.Namespace) -> int:
    """Structs as pahole prints them; without names, the patch's, with and without the option that it depends on."""
    layouts = Image.from_bytes(assets.guest_elf()).layouts
    if arguments.struct:
        print("\n\n".join(pahole(layouts.struct(_known(layouts, name))) for name in arguments.struct))
        return 0
    without = read_layouts(assets.layouts_without_ftrace())
    blocks = ["/* with CONFIG_DYNAMIC_FTRACE */", *(pahole(layouts.struct(name)) for name in _OF_THE_PATCH)]
    blocks += ["/* without */", *(pahole(without.struct(name)) for name in _OF_THE_PATCH[:1])]
    print("\n\n".join(blocks))
    return 0


def print_symbols(arguments: argparse.Namespace) -> int:
    """Address, size, name; per-CPU symbols have an offset from the GS base."""
    symbols = Image.from_bytes(assets.guest_elf()).symbols
    found = [symbol for symbol in symbols if arguments.pattern is None or arguments.pattern in symbol.name]
    if not found:
        raise BadInput(f"no symbol of the guest has “{arguments.pattern}” in its name")
    for symbol in found:
        place = f"gs:{symbol.address:#x}" if symbol.per_cpu else f"{symbol.address:#x}"
        print(f"{place:>18} {symbol.size:>6} {symbol.name}")
    return 0


def print_assembly(arguments: argparse.Namespace) -> int:
    """Source lines and the instructions made of them, as the ELF holds them."""
    image = Image.from_bytes(assets.guest_elf())
    for symbol in _chosen(image, arguments.symbol):
        for line in _assembly(image, symbol):
            print(line)
    return 0


def print_path(_arguments: argparse.Namespace) -> int:
    """For gdb's `file` and QEMU's `-kernel`."""
    print(assets.guest_elf_path())
    return 0


def _known(layouts: Layouts, name: str) -> str:
    if name not in layouts.struct_names:
        raise BadInput(f"the guest has no struct {name}; it has {', '.join(layouts.struct_names)}")
    return name


def _chosen(image: Image, names: list[str]) -> Iterator[Symbol]:
    text = range(image.symbol("_text").address, image.symbol("_etext").address)
    functions = [symbol for symbol in image.symbols if symbol.size and symbol.address in text]
    if not names:
        yield from functions
        return
    by_name = {symbol.name: symbol for symbol in functions}
    for name in names:
        if name not in by_name:
            raise BadInput(f"the guest has no function {name}; `trapscope guest symbols` lists what it has")
        yield by_name[name]


def _assembly(image: Image, symbol: Symbol) -> Iterator[str]:
    sources = assets.sources()
    yield f"\n{symbol.address:x} <{symbol.name}>:"
    last = None
    for address, code, text in image.disassembler.lines(symbol.address, image.bytes_at(symbol.address, symbol.size)):
        inner = image.locate(address)
        if inner is not None and inner[0] != symbol and inner[1] == 0:
            yield f"{address:x} <{inner[0].name}>:"
        line = image.line(address)
        if line is not None and line != last:
            last = line
            rows = sources.get(line.file, "").splitlines()
            row = rows[line.line - 1].strip() if line.line <= len(rows) else ""
            yield f"  {line}  {row}"
        yield f"    {address:x}  {code.hex(' '):30}  {text}"
