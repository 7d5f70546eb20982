"""What people install: everything inside, the same by every way, and it runs on its own."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
from pathlib import Path
from shutil import which
from urllib.parse import urlsplit

import httpx

import trapscope
from tests.packaging import dockerfile
from tests.packaging.conftest import contents
from tests.packaging.machine import Machine
from tests.serving import serving


def run(installed: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run an installed program in an empty folder with nothing else on the PATH."""
    environment = {"PATH": str(installed), "HOME": str(folder)}
    return subprocess.run(
        [installed / command[0], *command[1:]], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_wheel_holds_the_page_the_guest_with_its_sources_and_the_recorders(wheel: Path, guest_elf: bytes) -> None:
    files = contents(wheel)

    assert files["trapscope/assets/guest/guest.elf"] == guest_elf
    assert b"<script" in files["trapscope/assets/ui/index.html"]
    assert "trapscope/assets/guest/src/entry.S" in files
    assert {"trapscope/assets/recorder/recorder.x86_64.so", "trapscope/assets/recorder/recorder.aarch64.so"} <= set(
        files
    )
    assert "trapscope/assets/guest/layouts-noftrace.o" in files
    assert any(name.startswith("trapscope/assets/ui/") and name.endswith(".woff2") for name in files)


def test_the_wheel_holds_nothing_but_the_package_and_its_metadata(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in contents(wheel)}

    assert tops == {"trapscope", f"trapscope-{trapscope.__version__}.dist-info"}
    assert not any("__pycache__" in name or "node_modules" in name for name in contents(wheel))


def test_the_version_is_the_packages_own(wheel: Path, sdist: tarfile.TarFile) -> None:
    assert wheel.name == f"trapscope-{trapscope.__version__}-py3-none-any.whl"
    assert f"trapscope-{trapscope.__version__}/pyproject.toml" in sdist.getnames()


def test_the_sdist_holds_sources_and_nothing_built(sdist: tarfile.TarFile) -> None:
    names = sdist.getnames()

    assert any(name.endswith("/frontend/src/main.ts") for name in names)
    assert any(name.endswith("/backend/guest/entry.S") for name in names)
    assert not any("/assets/" in name and "/frontend/" not in name for name in names)
    assert not any("node_modules" in name for name in names)


def test_the_sdist_and_the_container_build_the_same_wheel(wheel: Path, container_wheel: Path) -> None:
    from_sdist, from_stages = contents(wheel), contents(container_wheel)

    assert from_sdist.keys() == from_stages.keys()
    assert [name for name in from_sdist if from_sdist[name] != from_stages[name]] == []


def test_pip_puts_in_place_just_what_the_wheel_holds(wheel: Path, installed_tree: Path) -> None:
    (site,) = installed_tree.parent.glob("lib/python3*/site-packages")
    packed = {name: data for name, data in contents(wheel).items() if name.startswith("trapscope/")}
    found = {path.relative_to(site).as_posix(): path for path in site.glob("trapscope/**/*") if path.is_file()}

    assert packed.keys() == {name for name in found if "__pycache__" not in name}
    assert [name for name, data in packed.items() if found[name].read_bytes() != data] == []


def test_the_installed_program_says_its_version(installed: Path, tmp_path: Path) -> None:
    result = run(installed, tmp_path, "trapscope", "--version")

    assert result.returncode == 0
    assert result.stdout.strip() == f"trapscope {trapscope.__version__}"


def test_neither_node_nor_a_compiler_was_there_when_it_was_built_or_is_there_now(
    installed: Path, machine: Machine
) -> None:
    folders = os.pathsep.join((str(installed), machine.path))
    assert [name for name in ("node", "npm", "cc", "gcc", "clang", "zig") if which(name, path=folders)] == []


def test_the_installed_program_finds_itself_well(installed: Path, tmp_path: Path) -> None:
    result = run(installed, tmp_path, "trapscope", "doctor")

    assert result.returncode == 0, result.stdout + result.stderr
    assert "self-test passed" in result.stdout
    assert "BAD" not in result.stdout


def test_the_installed_program_runs_a_scenario(installed: Path, tmp_path: Path) -> None:
    result = run(installed, tmp_path, "trapscope", "run", "first-call", "--design", "thread")

    assert result.returncode == 0, result.stderr
    assert "ok" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_installed_program_serves_the_page_and_a_run(installed: Path, tmp_path: Path) -> None:
    command = [str(installed / "trapscope"), "serve", "--port", "0", "--workers", "1"]
    with (
        serving(command, tmp_path, {"PATH": str(installed)}) as url,
        httpx.Client(base_url=url, trust_env=False) as http,
    ):
        page = http.get("/")
        created = http.post("/api/sessions", json={"scenario": "first-call"})
        script = re.search(r'src="(?:\./)?(assets/[^"]+\.js)"', page.text)
        assert script is not None
        assert http.get(f"/{script[1]}").status_code == 200

    assert page.status_code == 200
    assert created.status_code == 201
    assert list(tmp_path.iterdir()) == []


def test_the_containers_command_answers_its_own_health_check(
    installed_in_container: Path, tmp_path: Path, stages: dict[str, dockerfile.Stage]
) -> None:
    installed = installed_in_container
    server = stages["server"]
    program, *arguments = dockerfile.command_of(server)
    check = dockerfile.health_check_of(server)
    port = server.one("EXPOSE")
    free = ["0" if argument == port else argument for argument in arguments]
    assert free != arguments

    with serving([installed / program, *free], tmp_path, {"PATH": str(installed)}) as url:
        probe = [part.replace(f":{port}/", f":{urlsplit(url).port}/") for part in check]
        result = subprocess.run([installed / probe[0], *probe[1:]], cwd=tmp_path, check=False)

    assert probe != check
    assert result.returncode == 0
