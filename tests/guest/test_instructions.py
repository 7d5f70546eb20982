"""Which instructions the guest may have: none that emulators count or answer differently."""

from __future__ import annotations

from capstone import CS_ARCH_X86, CS_MODE_64, Cs

from trapscope.core.image import Image

_EXECUTABLE = 1


def mnemonics(image: Image) -> set[str]:
    """Every mnemonic in text, prefixes included; bytes that are no instruction are stepped over."""
    text = next(segment for segment in image.segments if segment.flags & _EXECUTABLE)
    disassembler = Cs(CS_ARCH_X86, CS_MODE_64)
    disassembler.skipdata = True
    return {mnemonic for _, _, mnemonic, _ in disassembler.disasm_lite(text.data, text.vaddr)}


def test_there_is_no_rep_string_instruction(image: Image) -> None:
    found = mnemonics(image)

    assert "iretq" in found
    assert [name for name in found if name.startswith("rep")] == []


def test_the_answers_of_a_particular_cpu_are_not_asked_for(image: Image) -> None:
    assert mnemonics(image).isdisjoint({"cpuid", "rdtsc", "rdtscp", "rdrand", "rdseed", "xgetbv"})


def test_only_general_registers_are_used(image: Image) -> None:
    assert mnemonics(image).isdisjoint({"movups", "movaps", "movdqa", "movdqu", "xorps", "pxor", "fld", "fstp"})
