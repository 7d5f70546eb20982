"""The machine that was measured on, in words: no figure means anything without it."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Final

_CPUINFO: Final = Path("/proc/cpuinfo")


def host() -> str:
    """Processor, how many of it, how busy it was when asked, and what ran the measurements."""
    load = os.getloadavg()[0]
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{os.cpu_count()} × {_processor()}, load {load:.1f} at the start, {python}"


def _processor() -> str:
    if _CPUINFO.is_file():
        for line in _CPUINFO.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
