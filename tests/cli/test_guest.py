"""`trapscope guest` and `trapscope scenarios`: what is inside, and what can be run."""

import json
import re
from pathlib import Path

import pytest

from trapscope.cli import main
from trapscope.cli.layout import pahole
from trapscope.core.image import Image, Member, StructLayout


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def test_the_patchs_struct_has_the_patchs_offsets(capsys: pytest.CaptureFixture[str]) -> None:
    with_option, without = said(capsys, "guest", "layout").split("/* without */")
    assert re.search(r"int +depth; +/\* +16 +4 \*/", with_option)
    assert re.search(r"unsigned long +slots\[4\]; +/\* +24 +32 \*/", with_option)
    assert "/* size: 56, cachelines: 1, members: 3 */" in with_option
    assert "/* XXX 4 bytes hole */" in with_option
    assert "/* size: 16, cachelines: 1, members: 2 */" in without
    assert "ftrace_int3_stack" not in without


def test_the_first_cache_line_of_a_task_ends_behind_its_state(capsys: pytest.CaptureFixture[str]) -> None:
    layout = said(capsys, "guest", "layout", "task_struct")
    state = layout.index("state;")
    assert state < layout.index("/* --- cacheline 1 boundary (64 bytes) --- */") < layout.index(" sp;")


def test_every_struct_of_the_guest_can_be_laid_out(image: Image) -> None:
    for name in image.layouts.struct_names:
        assert f"/* size: {image.struct(name).size}," in pahole(image.struct(name))


def test_a_member_across_a_line_says_how_far() -> None:
    members = (Member("head", 0, 60, "char", (60,), None), Member("across", 60, 8, "struct thing *", (), None))
    text = pahole(StructLayout("crossing", "struct", 68, members))
    assert "/* --- cacheline 1 boundary (64 bytes) was 4 bytes ago --- */" in text
    assert re.search(r"struct thing +\*across;", text)


def test_symbols_can_be_searched(capsys: pytest.CaptureFixture[str], image: Image) -> None:
    text = said(capsys, "guest", "symbols", "int3_stub_regs_caller")
    stub = image.symbol("ftrace_int3_stub_regs_caller")
    assert f"{stub.address:#x} {stub.size:>6} {stub.name}\n" in text
    assert "gs:0x" in said(capsys, "guest", "symbols", "current_task")


def test_assembly_has_its_source_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "guest", "asm", "ftrace_int3_stub_regs_caller", "do_int3")
    assert "ftrace_int3_stubs.S:" in text
    assert "INT3_STUB ftrace_int3_stub_regs_caller" in text
    assert "mov rax, qword ptr gs:[current_task]" in text
    assert "ftrace_int3_handler(regs)" in text


def test_all_of_the_text_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "guest", "asm")
    assert all(f"<{name}>:" in text for name in ("int3", "ftrace_call", "ftrace_regs_caller", "traced_fn"))
    assert len(text.splitlines()) > 1000


def test_the_path_is_the_elfs(capsys: pytest.CaptureFixture[str], guest_elf: bytes) -> None:
    assert Path(said(capsys, "guest", "path").strip()).read_bytes() == guest_elf


def test_scenarios_are_listed_for_people_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    listed = json.loads(said(capsys, "scenarios", "--json"))["scenarios"]
    text = said(capsys, "scenarios")
    for scenario in listed:
        assert f"{scenario['name']}: {scenario['title']}" in text
        assert scenario["question"] in text
    first = listed[0]
    assert first["name"] == "first-call"
    assert first["designs"]["gap"] == ["no-gap", "traced-handler"]
    assert first["cpus"] == 1


def test_the_schema_has_the_sockets_messages(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(said(capsys, "schema"))
    assert document["openapi"].startswith("3.1")
    assert "/api/sessions" in document["paths"]


def test_help_and_version_need_no_guest(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["run", "--help"], ["guest", "--help"], ["--version"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
    assert "trapscope 0" in capsys.readouterr().out
