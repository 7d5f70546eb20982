"""Where a command's output goes: standard output, or a file that is there whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from trapscope.core.errors import BadInput


@contextmanager
def opened(path: str | None) -> Iterator[TextIO]:
    """A stream to write to. A file takes its name only when all of it is written; until then it lies beside it.

    Raises BadInput, before anything is done, where no file can be made.
    """
    if path is None:
        yield sys.stdout
        return
    target = Path(path)
    if target.is_dir():
        raise BadInput(f"cannot write {path}: it is a directory")
    if target.exists() and not target.is_file():
        # A pipe or a device: there is nothing to replace.
        try:
            with target.open("w", encoding="utf-8") as stream:
                yield stream
        except OSError as error:
            raise BadInput(f"cannot write {path}: {error.strerror}") from error
        return
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror}") from error
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            yield stream
        beside.chmod(0o666 & ~_umask())
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise BadInput(f"cannot write {path}: {error.strerror}") from error
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _umask() -> int:
    """The process's, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
