"""What people are told to type is typed."""

from __future__ import annotations

import os
import re
from pathlib import Path

import httpx
import pytest

from tests.packaging.commands import COMMANDS, Fixture, Listens, NotHere, Recipe, Run, Serves, pages, told_in
from tests.packaging.machine import Machine
from tests.packaging.tree import ROOT
from tests.serving import serving

MAKEFILE = (ROOT / "Makefile").read_text()


def of(kind: type) -> list[str]:
    return [command for command, how in COMMANDS.items() if isinstance(how, kind)]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_that_a_page_tells_is_in_the_table(page: Path) -> None:
    missing = [command for command in told_in(page.read_text()) if command not in COMMANDS]

    assert missing == [], (
        f"{page.relative_to(ROOT)} tells people to type these: add each to COMMANDS in commands.py, with "
        "how it is tried (or, if they are not commands, say ```text at the block)"
    )


def test_the_table_holds_nothing_that_is_told_nowhere() -> None:
    told = {command for page in pages() for command in told_in(page.read_text())}

    assert [command for command in COMMANDS if command not in told] == []


def test_a_command_is_found_in_a_block_in_a_fence_and_in_running_text() -> None:
    page = "Do\n\n    make one   # first\n\n```sh\nnpm two  second\n```\n\n`uv three`, `uv`\n\n```text\nno\n```\n"

    assert list(told_in(page)) == ["make one", "npm two", "uv three"]


@pytest.mark.parametrize("command", of(Run))
def test_it_does_what_it_is_told_for(command: str, installed_tree: Path, machine: Machine, tmp_path: Path) -> None:
    how = COMMANDS[command]
    assert isinstance(how, Run)

    done = machine.type(command, tmp_path, installed_tree)

    assert done.returncode in how.status, done.stdout
    assert how.says in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ([how.makes] if how.makes else [])
    assert all(path.stat().st_size > 1000 for path in tmp_path.iterdir())


@pytest.mark.parametrize("command", of(Serves))
def test_it_serves_the_page_until_it_is_stopped(command: str, installed_tree: Path, machine: Machine) -> None:
    # A free port instead of the one that it says by default, which somebody may have taken.
    free = {"PORT": "0", "TRAPSCOPE_PORT": "0"}
    environment = machine.environment(installed_tree, **free) if command.startswith("trapscope") else os.environ | free
    for name in ("MAKEFLAGS", "MAKELEVEL"):
        environment.pop(name, None)

    with serving(["sh", "-c", f"exec {command}"], ROOT, environment) as url:
        page = httpx.get(url, trust_env=False)

    assert page.status_code == 200
    assert "<script" in page.text


@pytest.mark.parametrize("command", of(Listens))
def test_gdb_reaches_it_by_the_line_that_it_prints(
    command: str, installed_tree: Path, machine: Machine, tmp_path: Path
) -> None:
    how = COMMANDS[command]
    assert isinstance(how, Listens)

    with machine.typing(f"{command} --port 0", tmp_path, installed_tree) as stub:
        printed = next(line for line in stub if line.strip().startswith("gdb "))
        told = machine.must(f"{printed.strip()} -q -nx -batch -ex '{how.asks}'", tmp_path)

    assert how.says in told


@pytest.mark.parametrize("command", of(Recipe))
def test_the_makefile_types_it(command: str) -> None:
    how = COMMANDS[command]
    assert isinstance(how, Recipe)

    assert re.search(rf"^\t.*{re.escape(how.types)}", MAKEFILE, re.MULTILINE)


def test_what_ci_runs_is_make_test() -> None:
    assert "make --no-print-directory test" in (ROOT / ".ci/run").read_text()


@pytest.mark.parametrize("command", of(Fixture))
def test_what_other_tests_stand_on_was_typed_so(command: str, request: pytest.FixtureRequest) -> None:
    how = COMMANDS[command]
    assert isinstance(how, Fixture)

    assert f'machine.must("{command}", ' in (ROOT / "tests/packaging/conftest.py").read_text()
    assert request.getfixturevalue(how.name)


def test_what_cannot_be_typed_is_little_and_has_a_reason() -> None:
    assert len(of(NotHere)) == 3
