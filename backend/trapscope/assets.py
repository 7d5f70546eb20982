"""The built artefacts inside the package: the guest and the user interface. Nothing else reads them."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from trapscope.core.errors import ImageError

_ASSETS: Final = files("trapscope") / "assets"
_GUEST: Final = _ASSETS / "guest"
_SOURCES: Final = _GUEST / "src"


def guest_elf() -> bytes:
    """The guest's ELF; raises ImageError where it has not been built."""
    return _guest_file("guest.elf")


def layouts_without_ftrace() -> bytes:
    """An object file of the same headers without CONFIG_DYNAMIC_FTRACE, for its layouts only."""
    return _guest_file("layouts-noftrace.o")


def guest_elf_path() -> str:
    """Where the guest's ELF is, for gdb and QEMU."""
    guest_elf()
    return str(_GUEST / "guest.elf")


def sources_path() -> str:
    """Where the guest's sources are, for gdb: what its ELF calls `/guest`."""
    return str(_SOURCES)


def sources() -> dict[str, str]:
    """Every source file of the guest, by its path below the guest's folder, sorted."""
    if not _SOURCES.is_dir():
        raise ImageError("the guest's sources are missing: run `make guest`")
    return dict(sorted(_walk(_SOURCES, "")))


def ui() -> Traversable | None:
    """The folder of the built user interface, or None where it has not been built."""
    folder = _ASSETS / "ui"
    return folder if (folder / "index.html").is_file() else None


def _guest_file(name: str) -> bytes:
    path = _GUEST / name
    if not path.is_file():
        raise ImageError(f"the guest is not built ({name} is missing): run `make guest`")
    return path.read_bytes()


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _walk(entry, f"{prefix}{entry.name}/")
        else:
            found.append((prefix + entry.name, entry.read_text(encoding="utf-8")))
    return found
