"""Builds the recorder: a shared library for each architecture, beside the module that loads it.

The compiler is pinned and nothing of a C library is used, so the same source gives the same bytes anywhere.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parent / "recorder.c"

#: By what the machine calls itself (`uname -m`), what the compiler calls it.
TARGETS = {"x86_64": "x86_64-linux-none", "aarch64": "aarch64-linux-none"}

FLAGS = (
    "-std=gnu11", "-O2", "-shared", "-fPIC", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-fno-builtin",
    "-fno-sanitize=all", "-fno-asynchronous-unwind-tables", "-Wall", "-Wextra", "-Werror", "-s",
    "-Wl,--build-id=none", "-Wl,--fatal-warnings",
)  # fmt: skip


def build(out: Path) -> list[Path]:
    """Write `recorder.ARCHITECTURE.so` for each into `out`; ends the program if the compiler fails."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="trapscope-recorder-") as work:
        return [_compile(Path(work), machine, target, out) for machine, target in TARGETS.items()]


def _compile(work: Path, machine: str, target: str, out: Path) -> Path:
    made = out / f"recorder.{machine}.so"
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": str(work / "cache"), "ZIG_LOCAL_CACHE_DIR": str(work / "cache")}
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, *FLAGS, "-o", "made.so", SOURCE.name]
    (work / SOURCE.name).write_bytes(SOURCE.read_bytes())
    done = subprocess.run(command, cwd=work, env=environment, check=False)
    if done.returncode:
        sys.exit(f"{SOURCE.name} does not compile for {machine}")
    made.write_bytes((work / "made.so").read_bytes())
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True, help="the folder to write into")
    for made in build(parser.parse_args().out):
        print(made)


if __name__ == "__main__":
    main()
