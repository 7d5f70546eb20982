"""A clean copy of the sources: what git would give somebody who clones, with uncommitted changes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def sources() -> list[Path]:
    """Every file that is not ignored, relative to the repository's root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    paths = sorted(Path(name) for name in listed.stdout.split("\0") if name)
    return [path for path in paths if (ROOT / path).is_file()]


def copy_sources(target: Path) -> Path:
    """Copy them, times included; returns the copy's root."""
    for path in sources():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target / path)
    return target
