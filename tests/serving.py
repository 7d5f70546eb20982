"""The server as people start it: a process of its own, through its own command, on a port that was free."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_GOODBYE_SECONDS = 20


@contextmanager
def serving(
    command: Sequence[str | Path], folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Start `trapscope serve …` and give the URL that it prints once it answers; end it with the block."""
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        said = []
        while "http://" not in (line := process.stdout.readline()):
            said.append(line)
            if line == "":
                raise RuntimeError(f"the server ended with status {process.wait()} and said {''.join(said)!r}")
        yield line[line.index("http://") :].strip()
    finally:
        process.terminate()
        process.communicate(timeout=_GOODBYE_SECONDS)
