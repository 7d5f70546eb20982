"""The build: the same bytes from the same sources, wherever they lie; and what it refuses."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from trapscope import assets

SOURCE = Path(__file__).parents[2] / "backend" / "guest"


def build(source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(source / "build.py"), "--out", str(out)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_two_builds_in_different_folders_are_the_same_bytes(tmp_path: Path) -> None:
    copy = tmp_path / "somewhere" / "else"
    shutil.copytree(SOURCE, copy)

    here, there = build(SOURCE, tmp_path / "a"), build(copy, tmp_path / "b")

    assert (here.returncode, there.returncode) == (0, 0), here.stderr + there.stderr
    for name in ("guest.elf", "layouts-noftrace.o"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "a" / "guest.elf").read_bytes() == assets.guest_elf(), "run `make guest`"


def test_nothing_of_this_machine_is_in_the_image() -> None:
    elf = assets.guest_elf()

    assert str(SOURCE).encode() not in elf
    assert b"/tmp/" not in elf
    assert b"/guest" in elf


def test_the_sources_are_delivered_with_the_generated_ones() -> None:
    delivered = assets.sources()

    assert delivered["workload.c"] == (SOURCE / "workload.c").read_text()
    assert "TASK_TI_ftrace_int3_depth" in delivered["asm-offsets.h"]
    assert ".quad\ttraced_fn + 0" in delivered["mcount_loc.S"]


def test_a_static_traced_function_is_refused_by_name(tmp_path: Path) -> None:
    copy = tmp_path / "guest"
    shutil.copytree(SOURCE, copy)
    with (copy / "workload.c").open("a") as workload:
        workload.write("static __attribute__((used)) void hidden_fn(void) {}\n")

    refused = build(copy, tmp_path / "out")

    assert refused.returncode == 1
    assert "hidden_fn is static and traced" in refused.stderr
    assert not (tmp_path / "out" / "guest.elf").exists()


def test_a_compiler_error_is_shown_without_a_traceback(tmp_path: Path) -> None:
    copy = tmp_path / "guest"
    shutil.copytree(SOURCE, copy)
    (copy / "irq.c").write_text("int x = ;\n")

    refused = build(copy, tmp_path / "out")

    assert refused.returncode == 1
    assert "expected expression" in refused.stderr
    assert "Traceback" not in refused.stderr
