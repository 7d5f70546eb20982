"""The sites: five bytes that the compiler put there, that can become a nop, and that the table lists completely."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trapscope.core.image import Image

WORKLOAD = Path(__file__).parents[2] / "backend" / "guest" / "workload.c"


@pytest.fixture
def sites(image: Image) -> list[int]:
    """The table that ftrace_init() walks."""
    start, stop = image.symbol("__start_mcount_loc").address, image.symbol("__stop_mcount_loc").address
    table = image.bytes_at(start, stop - start)
    return [int.from_bytes(table[at : at + 8], "little") for at in range(0, len(table), 8)]


def test_each_function_of_the_workload_and_no_other_has_a_site(image: Image, sites: list[int]) -> None:
    functions = re.findall(r"^(?:void|long) (\w+)\(", WORKLOAD.read_text(), re.MULTILINE)

    assert len(functions) == 9
    assert [image.name(site) for site in sites] == [f"{name}+0x0" for name in functions]


def test_the_table_ascends_as_the_search_needs_it(sites: list[int]) -> None:
    assert sites == sorted(set(sites))


def test_each_site_is_one_call_to_fentry(image: Image, sites: list[int]) -> None:
    target = image.symbol("__fentry__").address
    for site in sites:
        code = image.bytes_at(site, 5)

        assert code[0] == 0xE8
        assert site + 5 + int.from_bytes(code[1:], "little", signed=True) == target


def test_no_other_call_to_fentry_is_left(image: Image, sites: list[int]) -> None:
    start, end = image.symbol("_text").address, image.symbol("_etext").address
    target, code = image.symbol("__fentry__").address, image.bytes_at(start, end - start)
    calls = [
        start + at
        for at in range(len(code) - 4)
        if code[at] == 0xE8 and start + at + 5 + int.from_bytes(code[at + 1 : at + 5], "little", signed=True) == target
    ]

    assert calls == sites
