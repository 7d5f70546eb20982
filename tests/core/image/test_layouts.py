"""Struct layouts, enums and variables from DWARF, against what the compiler itself says."""

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from trapscope import assets
from trapscope.core.errors import ImageError
from trapscope.core.image import Image, Layouts, read_layouts

#: The compiler writes its own offsets and sizes into a section, for us to compare.
TINY = """
typedef unsigned int u32;
enum colour { COLOUR_red, COLOUR_blue = 7, COLOUR_none = -1 };
union either { char c; long l; };
struct inner { char tag; union either either[2]; };
struct outer {
    char first;
    struct inner rows[2][3];
    const volatile u32 *pointer;
    int (*call)(int);
    struct { short a; long b; } anonymous;
    enum colour colour;
};
struct outer one, many[4];
#define AT(member) __builtin_offsetof(struct outer, member)
__attribute__((section(".said"))) const unsigned long said[] = {
    sizeof(struct outer), AT(rows), AT(rows[1][2]), AT(rows[1][2].either[1]), AT(pointer), AT(call), AT(anonymous.b),
    AT(colour),
};
"""
PATHS = ("rows", "rows[1][2]", "rows[1][2].either[1]", "pointer", "call", "anonymous.b", "colour")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "tiny.c").write_text(TINY)
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-freestanding-none", "-fno-sanitize=all"]
    command += ["-ffreestanding", "-g", "-gdwarf-5", "-c", "tiny.c", "-o", "tiny.o"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return Path(folder / "tiny.o").read_bytes()


@pytest.fixture(scope="module")
def tiny(compiled: bytes) -> Layouts:
    return read_layouts(compiled)


def said_by_the_compiler(elf: bytes) -> tuple[int, ...]:
    """The section `.said`, found through the section headers by hand."""
    (headers,) = struct.unpack_from("<Q", elf, 0x28)
    size, count, names = struct.unpack_from("<HHH", elf, 0x3A)
    sections = [struct.unpack_from("<IIQQQQ", elf, headers + i * size) for i in range(count)]
    strings = sections[names][4]
    for name, _, _, _, offset, length in sections:
        if elf[strings + name :].startswith(b".said\0"):
            return struct.unpack_from(f"<{length // 8}Q", elf, offset)
    raise AssertionError("the compiler said nothing")


def test_offsets_and_sizes_are_the_compilers(compiled: bytes, tiny: Layouts) -> None:
    outer = tiny.struct("outer")
    assert (outer.size, *(outer.resolve(path)[0] for path in PATHS)) == said_by_the_compiler(compiled)


def test_types_read_as_c_writes_them(tiny: Layouts) -> None:
    types = {member.name: (member.type, member.extents) for member in tiny.struct("outer").members}
    assert types == {
        "first": ("char", ()),
        "rows": ("struct inner", (2, 3)),
        "pointer": ("const volatile u32 *", ()),
        "call": ("int (*)()", ()),
        "anonymous": ("struct", ()),
        "colour": ("enum colour", ()),
    }


def test_holes_are_what_no_member_covers(tiny: Layouts) -> None:
    inner = tiny.struct("inner")
    assert inner.holes == ((1, 7),)
    outer = tiny.struct("outer")
    assert sum(size for _, size in outer.holes) == outer.size - sum(member.size for member in outer.members)


def test_enumerators_keep_their_values_and_order(tiny: Layouts) -> None:
    assert list(tiny.enum("colour").items()) == [("COLOUR_red", 0), ("COLOUR_blue", 7), ("COLOUR_none", -1)]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("nothing", "no member 'nothing'"),
        ("rows[2][0]", "beyond its 2 elements"),
        ("first.second", "'first' .* has no members"),
        ("rows..tag", "no path"),
    ],
)
def test_a_path_that_leads_nowhere_says_where(tiny: Layouts, path: str, why: str) -> None:
    with pytest.raises(ImageError, match=why):
        tiny.struct("outer").resolve(path)


def test_unknown_structs_and_enums_are_named(tiny: Layouts) -> None:
    with pytest.raises(ImageError, match="no struct 'missing'"):
        tiny.struct("missing")
    with pytest.raises(ImageError, match="no enum 'missing'"):
        tiny.enum("missing")


def test_thread_info_is_the_patchs(image: Image) -> None:
    assert image.offset("task_struct", "thread_info.ftrace_int3_stack.depth") == 16
    assert image.offset("task_struct", "thread_info.ftrace_int3_stack.slots") == 24
    assert image.struct("thread_info").size == 56
    assert image.offset("task_struct", "state") == 56
    assert image.struct("thread_info").resolve("ftrace_int3_stack.slots")[1].extents == (4,)


def test_without_the_option_thread_info_has_sixteen_bytes() -> None:
    without = read_layouts(assets.layouts_without_ftrace()).struct("thread_info")
    assert without.size == 16
    assert [member.name for member in without.members] == ["flags", "status"]


def test_variables_lie_where_their_symbols_do(image: Image) -> None:
    for name in ("boot_params", "ftrace_ops_list", "current_task", "worker"):
        assert image.layouts.variables[name].address == image.symbol(name).address


def test_an_array_of_structs_is_found_element_by_element(image: Image) -> None:
    tasks = {variable.name: variable.address for variable in image.variables_of("struct task_struct")}
    stride = image.struct("task_struct").size
    first = image.symbol("idle_tasks").address
    assert [tasks[f"idle_tasks[{n}]"] - first >= n * stride for n in range(4)] == [True] * 4
    assert tasks["worker"] == image.symbol("worker").address
