"""Enough of a Dockerfile's meaning to play its stages in ordinary folders, where there is no container engine.

COPY and RUN are carried out, with `/` a folder of the stage's own; RUN lines of pip and apt are the base image's
business and are left out. Relative paths only mean what they mean in the image if commands keep to the work folder.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from tests.packaging.tree import ROOT, sources

_BASE_IMAGES_BUSINESS = re.compile(r"\b(pip|apt|apt-get)\b")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, its continuation lines joined."""

    name: str
    arguments: str


@dataclass(slots=True)
class Stage:
    """What stands between one FROM and the next."""

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        """The arguments of every instruction of that name."""
        return [one.arguments for one in self.instructions if one.name == name]

    def one(self, name: str) -> str:
        """The arguments of the only instruction of that name."""
        (arguments,) = self.all(name)
        return arguments

    def commands(self) -> list[str]:
        """The RUN lines that are ours: not pip's and not apt's."""
        return [command for command in self.all("RUN") if not _BASE_IMAGES_BUSINESS.search(command)]


def read(path: Path) -> dict[str, Stage]:
    """The stages by name, in order."""
    stages: dict[str, Stage] = {}
    for instruction in _instructions(path.read_text()):
        if instruction.name == "FROM":
            base, _, name = instruction.arguments.partition(" AS ")
            stages[name] = Stage(name, base)
        else:
            next(reversed(stages.values())).instructions.append(instruction)
    return stages


def command_of(stage: Stage) -> list[str]:
    """What the container runs: ENTRYPOINT and CMD, both in their JSON form."""
    return [*json.loads(stage.one("ENTRYPOINT")), *json.loads(stage.one("CMD"))]


def health_check_of(stage: Stage) -> list[str]:
    """The health check's command."""
    command: list[str] = json.loads(stage.one("HEALTHCHECK").partition("CMD ")[2])
    return command


def play(stages: Mapping[str, Stage], name: str, roots: Path, environment: Mapping[str, str]) -> Path:
    """Carry out a stage's COPY and RUN lines below `roots`/name; returns its work folder."""
    root = roots / name
    work = root
    for instruction in stages[name].instructions:
        if instruction.name == "WORKDIR":
            work = root / instruction.arguments.lstrip("/")
            work.mkdir(parents=True)
        elif instruction.name == "COPY":
            _copy(instruction.arguments, work, roots)
        elif instruction.name == "RUN" and not _BASE_IMAGES_BUSINESS.search(instruction.arguments):
            subprocess.run(shlex.split(instruction.arguments), cwd=work, env=dict(environment), check=True)
    return work


def context() -> list[Path]:
    """The files that the build sees: the sources less what the ignore file leaves out."""
    rules = (ROOT / "backend/Dockerfile.dockerignore").read_text().split()

    def is_in(path: Path) -> bool:
        seen = True
        for rule in rules:
            pattern = rule.removeprefix("!")
            matches = [path, *path.parents]
            if pattern == "**" or any(fnmatch(str(part), pattern) for part in matches):
                seen = rule.startswith("!")
        return seen

    return [path for path in sources() if is_in(path)]


def _copy(arguments: str, work: Path, roots: Path) -> None:
    words = shlex.split(arguments)
    stage = None
    if words[0].startswith("--from="):
        stage = roots / words.pop(0).removeprefix("--from=")
    *froms, to = words
    target = work / to
    if stage is not None:
        for source in froms:
            shutil.copytree(stage / source.lstrip("/"), target, dirs_exist_ok=True)
        return
    files = context()
    for source in froms:
        found = [path for path in files if path == Path(source) or Path(source) in path.parents]
        if not found:
            raise FileNotFoundError(f"COPY {source}: the build's context has no such file")
        for path in found:
            place = target / (path.relative_to(source) if path != Path(source) else path.name)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, place)


def _instructions(text: str) -> Iterator[Instruction]:
    joined = text.replace("\\\n", " ")
    for line in joined.splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, arguments = line.partition(" ")
            yield Instruction(name, " ".join(arguments.split()) if name != "CMD" else arguments)
