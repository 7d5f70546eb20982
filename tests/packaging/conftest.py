"""Wheels, each made once: from the working tree, from the sdist, and by the container's stages."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.packaging import dockerfile
from tests.packaging.tree import ROOT, copy_sources

BIN = Path(sys.executable).parent


@pytest.fixture(scope="session")
def build_environment() -> dict[str, str]:
    """The virtual environment's tools first: Node may be there only."""
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, build_environment: dict[str, str]) -> Path:
    """What `uv build` leaves in dist/: an sdist, and the wheel that was built from it."""
    tree = copy_sources(tmp_path_factory.mktemp("tree"))
    # No isolation: the build's requirements are in this environment, and the test needs no index.
    subprocess.run(
        [BIN / "uv", "build", "--quiet", "--no-build-isolation", "--python", sys.executable],
        cwd=tree, env=build_environment, check=True,
    )  # fmt: skip
    return tree / "dist"


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    """The wheel from the sdist."""
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def sdist(built: Path) -> tarfile.TarFile:
    """The sdist, open."""
    (path,) = built.glob("*.tar.gz")
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
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh environment with the wheel and what it asks for."""
    home = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    pip, quiet = str(home / "bin" / "pip"), ("--quiet", "--disable-pip-version-check")
    subprocess.run([pip, "install", *quiet, "--require-hashes", "-r", ROOT / "requirements/run.txt"], check=True)
    subprocess.run([pip, "install", *quiet, "--no-deps", wheel], check=True)
    subprocess.run([pip, "check"], check=True)
    return home / "bin"


def contents(wheel: Path) -> dict[str, bytes]:
    """Every file in a wheel."""
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
