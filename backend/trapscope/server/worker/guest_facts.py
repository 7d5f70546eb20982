"""What the guest's ELF says, in the shapes of the REST API: symbols, struct layouts, assembly."""

from __future__ import annotations

from collections.abc import Iterator

from trapscope.core.errors import ImageError
from trapscope.core.image import Image, StructLayout
from trapscope.wire.rest import Assembly, AssemblyLine, GuestInfo, MemberInfo, StructInfo, SymbolInfo, SymbolList
from trapscope.wire.values import hex_text


def guest_info(image: Image, sources: list[str]) -> GuestInfo:
    return GuestInfo(
        sha256=image.sha256,
        text_start=hex_text(image.symbol("_text").address),
        text_end=hex_text(image.symbol("_etext").address),
        image_end=hex_text(image.symbol("_end").address),
        sources=sources,
    )


def symbol_list(image: Image) -> SymbolList:
    """Every symbol, by address; a per-CPU one's address is its offset from the GS base."""
    return SymbolList(
        symbols=[
            SymbolInfo(name=symbol.name, address=hex_text(symbol.address), size=symbol.size, per_cpu=symbol.per_cpu)
            for symbol in image.symbols
        ]
    )


def struct_info(layout: StructLayout) -> StructInfo:
    return StructInfo(name=layout.name, size=layout.size, members=list(_members(layout, "", 0)))


def assembly(image: Image, name: str) -> Assembly:
    """The instructions of a symbol in the text; raises ImageError where there is no such symbol, or it is data."""
    symbol = image.symbol(name)
    if not image.symbol("_text").address <= symbol.address < image.symbol("_etext").address or symbol.per_cpu:
        raise ImageError(f"{name!r} is not in the guest's text")
    size = symbol.size or _size_of_label(image, symbol.address)
    lines = []
    for address, code, text in image.disassembler.lines(symbol.address, image.bytes_at(symbol.address, size)):
        source = image.line(address)
        lines.append(
            AssemblyLine(
                address=hex_text(address),
                bytes=code.hex(),
                text=text,
                symbol=image.name(address) or name,
                file=None if source is None else source.file,
                line=None if source is None else source.line,
            )
        )
    return Assembly(symbol=name, address=hex_text(symbol.address), size=size, lines=lines)


def _members(layout: StructLayout, prefix: str, base: int) -> Iterator[MemberInfo]:
    """Each member, then what is inside it; an array's elements are its member's type, told once."""
    for member in layout.members:
        path = f"{prefix}{member.name}"
        yield MemberInfo(path=path, type=member.type, offset=base + member.offset, size=member.size)
        if member.struct is not None and not member.extents:
            yield from _members(member.struct, f"{path}." if member.name else prefix, base + member.offset)


def _size_of_label(image: Image, address: int) -> int:
    """A label has no size: it reaches to the next symbol."""
    end = image.symbol("_etext").address
    later = (symbol.address for symbol in image.symbols if symbol.address > address and not symbol.per_cpu)
    return min(next(later, end), end) - address
