"""The numbers of the seed patch: where the stack lies in thread_info, and what it moves."""

from __future__ import annotations

from trapscope import assets
from trapscope.core.image import Image
from trapscope.core.image.image import read_layouts


def test_the_int3_stack_lies_where_the_patch_puts_it(image: Image) -> None:
    assert image.offset("thread_info", "ftrace_int3_stack.depth") == 16
    assert image.offset("thread_info", "ftrace_int3_stack.slots") == 24
    assert image.struct("ftrace_int3_stack").size == 40
    assert image.struct("thread_info").size == 56


def test_the_neighbour_is_the_tasks_state(image: Image) -> None:
    assert image.offset("task_struct", "thread_info") == 0
    assert image.offset("task_struct", "state") == 56


def test_without_the_option_thread_info_is_as_small_as_it_was() -> None:
    layouts = read_layouts(assets.layouts_without_ftrace())

    assert layouts.struct("thread_info").size == 16
    assert [member.name for member in layouts.struct("thread_info").members] == ["flags", "status"]
    assert layouts.struct("task_struct").resolve("state")[0] == 16


def test_pt_regs_has_the_kernels_offsets(image: Image) -> None:
    offsets = {member.name: member.offset for member in image.struct("pt_regs").members}

    assert image.struct("pt_regs").size == 168
    assert (offsets["r15"], offsets["di"], offsets["orig_ax"]) == (0x00, 0x70, 0x78)
    assert (offsets["ip"], offsets["cs"], offsets["flags"], offsets["sp"], offsets["ss"]) == (
        0x80,
        0x88,
        0x90,
        0x98,
        0xA0,
    )


def test_assembly_sees_the_same_offsets(image: Image) -> None:
    generated = assets.sources()["asm-offsets.h"]

    depth = image.offset("task_struct", "thread_info.ftrace_int3_stack.depth")
    slots = image.offset("task_struct", "thread_info.ftrace_int3_stack.slots")
    assert f"#define TASK_TI_ftrace_int3_depth {depth} /*" in generated
    assert f"#define TASK_TI_ftrace_int3_slots {slots} /*" in generated


def test_the_image_fits_one_mebibyte_and_maps_linearly(image: Image) -> None:
    for segment in image.segments:
        assert segment.vaddr - segment.paddr == 0xFFFFFFFF80000000
        assert 0x1000000 <= segment.paddr <= segment.paddr + segment.memsz <= 0x1100000


def test_every_name_on_the_command_line_is_an_enumerator(image: Image) -> None:
    designs = {name.removeprefix("DESIGN_") for name in image.enum("design_id") if name.startswith("DESIGN_")}

    assert designs == {"skip", "thread", "percpu", "gap"}
    assert sum(name.startswith("SCENARIO_") for name in image.enum("scenario_id")) == 17
    assert sum(name.startswith("VARIANT_") for name in image.enum("variant_bit")) == 15
