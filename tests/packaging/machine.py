"""A machine as most people's: a shell, a Python, and neither Node nor a compiler."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

#: This environment's programs; none of them is on that machine, except where a test puts one there.
BIN: Final = Path(sys.executable).parent
_NODE_OR_COMPILER: Final = re.compile(
    r"(node(js)?|npm|npx|corepack|yarn|pnpm|zig|(.+-)?(gcc|g\+\+|cc|c\+\+|cpp|c[89]9|clang|clang\+\+|tcc|ld|lld|as))(-[\d.]+)?"
)
_FOLDERS: Final = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")


@dataclass(frozen=True, slots=True)
class Machine:
    """Runs what people type there."""

    path: str

    @classmethod
    def at(cls, programs: Path) -> Machine:
        """Its PATH is this folder, of links to what the real machine has beside Node and compilers."""
        for source in _FOLDERS:
            for program in Path(source).iterdir() if Path(source).is_dir() else ():
                link = programs / program.name
                if not _NODE_OR_COMPILER.fullmatch(program.name) and not link.is_symlink():
                    link.symlink_to(program)
        return cls(str(programs))

    def environment(self, *first: Path, **more: str) -> dict[str, str]:
        """This process's, without what belongs to its own environment; these folders come first on the PATH."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL", "MAKE"))}
        path = os.pathsep.join((*map(str, first), self.path))
        return {**kept, "UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never", **more, "PATH": path}

    def type(self, command: str, folder: Path, *first: Path, **more: str) -> subprocess.CompletedProcess[str]:
        """Type a line in that folder; what it said on both its outputs is in `stdout`, as people see it."""
        return subprocess.run(
            ["sh", "-c", command], cwd=folder, env=self.environment(*first, **more), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip

    @contextmanager
    def typing(self, command: str, folder: Path, *first: Path) -> Iterator[IO[str]]:
        """Type a line that goes on until it is stopped, with the block; what it says, line by line."""
        with subprocess.Popen(
            ["sh", "-c", f"exec {command}"], cwd=folder, env=self.environment(*first), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            try:
                yield process.stdout
            finally:
                process.terminate()

    def must(self, command: str, folder: Path, *first: Path, **more: str) -> str:
        """Type a line that must succeed; what it said."""
        done = self.type(command, folder, *first, **more)
        assert done.returncode == 0, f"{command} ended with status {done.returncode}:\n{done.stdout}"
        return done.stdout


def fresh(folder: Path) -> Path:
    """A fresh virtual environment there, with pip and nothing else; its folder of programs."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder / "bin"
