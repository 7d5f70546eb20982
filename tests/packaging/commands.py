"""Every command that README.md and the documentation tell people to type, and how the suite types it.

One that is told and not in here fails tests/packaging/test_commands.py, which says where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.packaging.tree import ROOT

#: In running text only what begins with one of these is a command; `trapscope` alone is a name.
_PROGRAMS: Final = ("docker", "make", "npm", "npx", "pip", "pipx", "pytest", "python", "trapscope", "uv", "uvx")
#: A block of any other language is shown, not typed.
_SHELL: Final = ("", "sh", "shell", "console")


@dataclass(frozen=True, slots=True)
class Run:
    """Typed as it stands where the program is installed, in an empty folder; it ends with one of these statuses."""

    status: tuple[int, ...] = (0,)
    says: str = ""
    makes: str = ""


@dataclass(frozen=True, slots=True)
class Serves:
    """Started, asked for the page at the address that it prints, and stopped."""


@dataclass(frozen=True, slots=True)
class Listens:
    """Started on a free port; the line that it prints for gdb is typed, with `asks` behind it, and gdb says `says`."""

    asks: str
    says: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """The Makefile types this in a recipe; `make test` comes to it, or it is in this table again."""

    types: str


@dataclass(frozen=True, slots=True)
class Fixture:
    """Typed by this fixture of tests/packaging/conftest.py, on whose outcome other tests stand."""

    name: str


@dataclass(frozen=True, slots=True)
class NotHere:
    """The closed list of what no test can type."""

    because: str


COMMANDS: Final[dict[str, Run | Serves | Listens | Recipe | Fixture | NotHere]] = {
    "make serve": Serves(),
    "make test": Recipe("$(MAKE) --no-print-directory --jobs=$(JOBS) --output-sync=target check matrix"),
    "make bench": Recipe("$(BIN)/trapscope bench"),
    "make generate": Recipe("$(MAKE) --no-print-directory generate"),
    "make recorder": Recipe("$(BIN)/python backend/recorder/build.py --out $(@D)"),
    "pip install .": Fixture("installed_tree"),
    "uv build": Fixture("built"),
    "trapscope serve": Serves(),
    "trapscope scenarios": Run(says="livepatch-window"),
    "trapscope run livepatch-window --design skip": Run(status=(1,), says="violated"),
    "trapscope run first-call --format jsonl": Run(says='{"type":"header"'),
    "trapscope figure first-call --at frame-rewritten --out moment.svg": Run(makes="moment.svg"),
    "trapscope schema --jsonl": Run(says="json-schema.org"),
    "trapscope run patch-live --format perfetto --out t.json": Run(makes="t.json"),
    "trapscope run two-sites --policy random:7": Run(says="ok"),
    "trapscope why first-call 'slots[0]@0' --at slot-pushed": Run(says="slots[0]"),
    "trapscope run first-call --schedule '0*1 nmi@0 0*1 mce@0 nmi@0 0>.'": Run(status=(1,), says="frame-intact"),
    "trapscope find patch-live last-write traced_fn:5 --at int3": Run(says="traced_fn"),
    "trapscope find patch-live last-write 0xfee00300+4 --at ipi-taken": Run(says="local APIC: ICR"),
    "trapscope check --all": Recipe("$(BIN)/trapscope check --all"),
    "trapscope check first-call --qemu": Run(says="QEMU"),
    "trapscope gdb first-call": Listens(asks="monitor event slot-pushed", says="moment 288"),
    "trapscope guest layout": Run(says="slots"),
    "trapscope guest path": Run(says="guest.elf"),
    # Whether its figures hold depends on what else the machine does.
    "trapscope bench": Run(status=(0, 1), says="QEMU's gdbstub"),
    "trapscope doctor": Run(says="self-test passed"),
    "trapscope run first-call --format jsonl --out run.jsonl": Run(makes="run.jsonl"),
    "trapscope run patch-live --format perfetto --out run.perfetto.json": Run(makes="run.perfetto.json"),
    "trapscope run patch-live --format tenet --cpu 1 --out run.tenet.log": Run(makes="run.tenet.log"),
    "trapscope figure four-contexts --at slot-pushed:4 --theme dark --out depth-4.svg": Run(makes="depth-4.svg"),
    "trapscope figure first-call --design gap --at gap-opened --part stack --out gap.svg": Run(makes="gap.svg"),
    "pytest tests/e2e/test_speed.py": Recipe("$(BIN)/pytest -m alone"),
    "python build.py --out FOLDER": Recipe("$(BIN)/python backend/guest/build.py --out $(ASSETS)/guest"),
    "npm ci": Recipe("env $(NPM) ci"),
    "npm run build": Recipe("env $(NPM) run --silent build"),
    "npm run check": Recipe("env $(NPM) run --silent check"),
    "npm test": Recipe("env $(NPM) run --silent test"),
    "npm run gen": Recipe("$(NPM) run --silent gen"),
    "npm run dev": NotHere("Vite's own server for whoever works on the page; nothing of it is installed"),
    "docker compose up": NotHere("needs a container engine; test_container.py plays its stages without one"),
    "qemu-system-x86_64 -accel tcg,thread=single -cpu Icelake-Server -smp 2 -kernel guest.elf -display none "
    "-serial stdio -device isa-debug-exit,iobase=0xf4,iosize=4 "
    "-device loader,file=PARAMS,addr=PHYSICAL_ADDRESS_OF_boot_params,force-raw=on": NotHere(
        "a pattern: tests/guest/played.py fills in the file and the address, and types it for every scenario"
    ),
}


def pages() -> list[Path]:
    """What is read for commands."""
    named = [ROOT / "README.md", ROOT / "backend/guest/README.md", ROOT / "frontend/README.md"]
    return [*named, *sorted((ROOT / "docs").rglob("*.md"))]


def told_in(text: str) -> Iterator[str]:
    """Every command of a page: the lines of its shell blocks, and the commands in its running text."""
    for token in MarkdownIt().parse(text):
        if token.type in ("fence", "code_block") and token.info in _SHELL:
            yield from _lines(token)
        for child in token.children or ():
            words = child.content.split()
            if child.type == "code_inline" and len(words) > 1 and words[0] in _PROGRAMS and "SCENARIO" not in words:
                yield child.content


def _lines(block: Token) -> Iterator[str]:
    """A line up to what is said of it: behind a # of its own, or behind a gap."""
    for line in block.content.replace("\\\n", " ").splitlines():
        joined = line.partition(" # ")[0]
        if "\\\n" in block.content:
            yield " ".join(joined.split())
        elif joined.strip():
            yield joined.strip().split("  ")[0]
