"""What the guest's ELF says: symbols, lines, layouts, disassembly. The only part that reads DWARF."""

from trapscope.core.image.disassembly import Disassembler, Instruction, MemoryOperand
from trapscope.core.image.image import Image, Segment, read_layouts
from trapscope.core.image.layout import Member, StructLayout
from trapscope.core.image.layouts import Layouts, Variable
from trapscope.core.image.lines import LineTable, SourceLine
from trapscope.core.image.symbols import Symbol

__all__ = [
    "Disassembler", "Image", "Instruction", "Layouts", "LineTable", "Member", "MemoryOperand", "Segment",
    "SourceLine", "StructLayout", "Symbol", "Variable", "read_layouts",
]  # fmt: skip
