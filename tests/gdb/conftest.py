"""A real gdb, in batch mode, over a run of the command line's own stub."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

_WALK = Path(__file__).parent / "walk.py"
_SECONDS = 240


class Stop(NamedTuple):
    """What gdb showed after a command: the run's moment, the thread it stood on, every CPU's registers, the site."""

    command: str
    moment: int
    cpu: int
    registers: dict[str, list[int]]
    site: str
    told: str


class Gdb:
    """gdb with the stub of one run behind it."""

    def __init__(self, *run: str) -> None:
        self._stub = f"{sys.executable} -m trapscope gdb {' '.join(run)} --stdio"

    def walk(self, *commands: tuple[str, int]) -> list[Stop]:
        """Carry out each command so often; what gdb showed after each."""
        out = self._run({"WALK": json.dumps(commands)}, "-ex", f"source {_WALK}")
        return [Stop(*json.loads(line)) for line in out.splitlines() if line.startswith('["')]

    def told(self, *commands: str, fails: bool = False) -> str:
        """Everything that gdb prints for these commands."""
        return self._run({}, *(part for command in commands for part in ("-ex", command)), fails=fails)

    def told_of_failure(self) -> str:
        """What the stub and gdb say where there is no run."""
        command = ["gdb", "-q", "-nx", "-batch", "-ex", f"target remote | {self._stub}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        return done.stdout + done.stderr

    def _run(self, environment: dict[str, str], *arguments: str, fails: bool = False) -> str:
        command: Sequence[str] = (
            "gdb", "-q", "-nx", "-batch", "-iex", "set auto-load off", "-ex", "set pagination off",
            "-ex", "set confirm off", "-ex", f"target remote | {self._stub}", *arguments,
        )  # fmt: skip
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, check=False, env={**os.environ, **environment}
        )
        assert bool(done.returncode) is fails, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="session", autouse=True)
def has_gdb() -> None:
    """`make test` installs it; without it these tests fail rather than pass unseen."""
    assert shutil.which("gdb"), "gdb is not installed: `make system` installs it"
