"""ftrace finds bytes at a site that it has not put there: it gives up, and takes every breakpoint away again."""

from __future__ import annotations

from pathlib import Path

from tests.guest.played import play
from trapscope.core.image import Image


def with_a_foreign_write(image: Image, elf: bytes, victim: str, unused: str) -> bytes:
    """The ELF with the table's entry of one site pointing into another: ftrace_init() then spoils that one's nop."""
    table = image.symbol("__start_mcount_loc").address
    segment = next(s for s in image.segments if s.vaddr <= table < s.vaddr + len(s.data))
    spoilt = bytearray(segment.data)
    at = spoilt.index(image.symbol(unused).address.to_bytes(8, "little"), table - segment.vaddr)
    spoilt[at : at + 8] = (image.symbol(victim).address + 2).to_bytes(8, "little")
    assert elf.count(segment.data) == 1
    return elf.replace(segment.data, bytes(spoilt))


def test_an_unexpected_byte_is_reported_and_nothing_is_patched(tmp_path: Path, image: Image, guest_elf: bytes) -> None:
    elf = with_a_foreign_write(image, guest_elf, "traced_fn", "traced_second_fn")

    report = play(tmp_path, image, elf, "first-call", "thread")

    assert report.verdict == "violated"
    assert report.counts["bug_ip"] == image.symbol("traced_fn").address
    assert report.counts["entries"] == report.counts["traps"] == 0


def test_breakpoints_set_before_the_unexpected_byte_are_removed(tmp_path: Path, image: Image, guest_elf: bytes) -> None:
    elf = with_a_foreign_write(image, guest_elf, "traced_mce", "traced_handler")

    report = play(tmp_path, image, elf, "two-sites", "thread", cpus=2)

    # traced_fn came before it in the pass. An int3 left there would be claimed by nobody: "died".
    assert report.verdict == "violated"
    assert report.counts["bug_ip"] == image.symbol("traced_mce").address
    assert report.counts["entries"] > 0
