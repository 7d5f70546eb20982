"""What people build and install, each made once, as they make it: from a clean tree, in fresh environments, with build
isolation, on a machine without Node or a compiler; and what the container's stages make.
"""

from __future__ import annotations

import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.packaging import dockerfile
from tests.packaging.machine import BIN, Machine, fresh
from tests.packaging.tree import ROOT, copy_sources

#: How people come by the program: by `pip install .`, or from what `uv build` leaves.
WAYS = ("from the tree", "from the wheel", "from the sdist")


@dataclass(frozen=True, slots=True)
class Built:
    """A folder with an sdist and the wheel that was built from it, and what was said meanwhile."""

    dist: Path
    said: str


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine without Node or a compiler."""
    return Machine.at(tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="session")
def build_environment() -> dict[str, str]:
    """Of the stages that have Node and a compiler: the virtual environment's tools first, Node may be there only."""
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="session")
def installed_tree(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment after `pip install .` in a clean tree."""
    folder = tmp_path_factory.mktemp("pip")
    programs = fresh(folder / "v")
    machine.must("pip install .", copy_sources(folder / "tree"), programs)
    return programs


@pytest.fixture(scope="session")
def uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with uv and nothing else."""
    folder = tmp_path_factory.mktemp("uv")
    (folder / "uv").symlink_to(BIN / "uv")
    return folder


@pytest.fixture(scope="session")
def built(machine: Machine, uv: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """What `uv build` leaves in dist/."""
    tree = copy_sources(tmp_path_factory.mktemp("tree"))
    said = machine.must("uv build", tree, uv)
    return Built(tree / "dist", said)


@pytest.fixture(scope="session")
def installed_wheel(built: Built, machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after `pip install` of the wheel."""
    programs = fresh(tmp_path_factory.mktemp("wheel") / "v")
    machine.must("pip install trapscope-*.whl", built.dist, programs)
    return programs


@pytest.fixture(scope="session")
def installed_sdist(built: Built, uv: Path, machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where `uv tool install` puts the sdist's program: as pipx does, in an environment of its own."""
    folder = tmp_path_factory.mktemp("tool")
    homes = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    machine.must("uv tool install trapscope-*.tar.gz", built.dist, uv, **homes)
    return folder / "bin"


@pytest.fixture(params=WAYS)
def installed(request: pytest.FixtureRequest) -> Path:
    """The folder of the installed program, by each of the ways."""
    folder = request.getfixturevalue(f"installed_{request.param.split()[-1]}")
    assert isinstance(folder, Path)
    return folder


@pytest.fixture(scope="session")
def wheel(built: Built) -> Path:
    """The wheel from the sdist."""
    (path,) = built.dist.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def sdist(built: Built) -> tarfile.TarFile:
    """The sdist, open."""
    (path,) = built.dist.glob("*.tar.gz")
    return tarfile.open(path)


@pytest.fixture(scope="session")
def stages() -> dict[str, dockerfile.Stage]:
    """The Dockerfile."""
    return dockerfile.read(ROOT / "backend/Dockerfile")


@pytest.fixture(scope="session")
def container_wheel(
    stages: dict[str, dockerfile.Stage], tmp_path_factory: pytest.TempPathFactory, build_environment: dict[str, str]
) -> Path:
    """The wheel that the container's first two stages make."""
    roots = tmp_path_factory.mktemp("stages")
    dockerfile.play(stages, "ui", roots, build_environment)
    work = dockerfile.play(stages, "wheel", roots, build_environment)
    (path,) = (work / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="session")
def installed_in_container(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of the container's last stage: the wheel upon what is locked, and nothing more."""
    programs = fresh(tmp_path_factory.mktemp("container") / "v")
    pip, quiet = str(programs / "pip"), ("--quiet", "--disable-pip-version-check")
    subprocess.run([pip, "install", *quiet, "--require-hashes", "-r", ROOT / "requirements/run.txt"], check=True)
    subprocess.run([pip, "install", *quiet, "--no-deps", wheel], check=True)
    subprocess.run([pip, "check"], check=True)
    return programs


def contents(wheel: Path) -> dict[str, bytes]:
    """Every file in a wheel."""
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
