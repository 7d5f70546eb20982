"""`trapscope doctor`: what is there, what is not, and what to do about it.

The emulator is examined in a process of its own, because an unfit Unicorn may end the process that it is in.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from trapscope import __version__, assets
from trapscope.core.errors import TrapscopeError
from trapscope.core.image import Image

_SELF_TEST: Final = "from trapscope.core.machine.selftest import verify; verify()"
_SELF_TEST_SECONDS: Final = 60
_VERSION_SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was looked at. `needed`: nothing runs without it; the rest is for the tests."""

    what: str
    is_well: bool
    found: str
    remedy: str
    needed: bool


def diagnose() -> list[Diagnosis]:
    """Look at everything, in the order in which a failure would matter."""
    return [_python(), _emulator(), _disassembler(), _guest(), _ui(), *map(_program, _PROGRAMS)]


def is_fit(diagnoses: Iterable[Diagnosis]) -> bool:
    """Whether Trapscope can run here; what only the tests need does not count."""
    return all(diagnosis.is_well for diagnosis in diagnoses if diagnosis.needed)


def report(diagnoses: Iterable[Diagnosis]) -> str:
    """A line each, and under each that is not well what to do."""
    lines = [f"trapscope {__version__}"]
    for diagnosis in diagnoses:
        mark = "ok" if diagnosis.is_well else "BAD" if diagnosis.needed else "-"
        lines.append(f"  {mark:3}  {diagnosis.what:16} {diagnosis.found}")
        if not diagnosis.is_well:
            lines.append(f"       {'':16} ► {diagnosis.remedy}")
    return "\n".join(lines)


def _python() -> Diagnosis:
    found = f"{platform.python_implementation()} {platform.python_version()}"
    return Diagnosis("Python", sys.version_info >= (3, 11), found, "use Python 3.11 or newer", needed=True)


def _emulator() -> Diagnosis:
    installed = _installed("unicorn")
    remedy = "pip install --force-reinstall the version that this release of trapscope asks for"
    try:
        result = subprocess.run(
            [sys.executable, "-c", _SELF_TEST], capture_output=True, text=True, timeout=_SELF_TEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Diagnosis("Unicorn", False, f"{installed}; its self-test hangs", remedy, needed=True)
    if result.returncode == 0:
        return Diagnosis("Unicorn", True, f"{installed}, self-test passed", "", needed=True)
    said = result.stderr.strip().splitlines()[-1:] or [f"it ended with status {result.returncode}"]
    return Diagnosis("Unicorn", False, f"{installed}; its self-test fails: {said[0]}", remedy, needed=True)


def _disassembler() -> Diagnosis:
    installed = _installed("capstone")
    return Diagnosis("Capstone", installed != _ABSENT, installed, "pip install 'capstone>=5,<6'", needed=True)


def _guest() -> Diagnosis:
    try:
        image = Image.from_bytes(assets.guest_elf())
    except TrapscopeError as error:
        return Diagnosis("Guest", False, str(error), "run `make guest`, or install the wheel", needed=True)
    return Diagnosis("Guest", True, f"sha256 {image.sha256}", "", needed=True)


def _ui() -> Diagnosis:
    built = assets.ui() is not None
    return Diagnosis(
        "User interface",
        built,
        "built" if built else "not built",
        "run `make ui`, or install the wheel; the command line works without it",
        needed=True,
    )


@dataclass(frozen=True, slots=True)
class _Program:
    what: str
    names: tuple[str, ...]
    package: str
    purpose: str


_PROGRAMS: Final = (
    _Program("QEMU", ("qemu-system-x86_64",), "qemu-system-x86 seabios", "the comparison with the machine"),
    _Program("Chromium", ("chromium", "chromium-browser", "google-chrome"), "chromium", "the tests of the page"),
    _Program("Redis", ("redis-server",), "redis-server", "several servers that share sessions"),
    _Program("Node", ("node",), "nodejs npm", "building the page; `make` brings one where none is"),
)
_ABSENT: Final = "not installed"


def _program(program: _Program) -> Diagnosis:
    path = next(filter(None, map(shutil.which, program.names)), None)
    if path is None:
        remedy = f"for {program.purpose}: apt-get install {program.package}"
        return Diagnosis(program.what, False, _ABSENT, remedy, needed=False)
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=_VERSION_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Diagnosis(program.what, False, f"{path} does not run: {error}", "reinstall it", needed=False)
    return Diagnosis(program.what, True, (said.stdout.strip() or path).splitlines()[0], "", needed=False)


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return _ABSENT
