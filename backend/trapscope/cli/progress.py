"""How far a run has come, on stderr, while somebody watches."""

from __future__ import annotations

import sys
from typing import Final

_ERASE: Final = "\r\x1b[K"


class Progress:
    """One line that is rewritten, and gone at the end; nothing at all where stderr is no terminal."""

    def __init__(self) -> None:
        self._shown = False

    def steps(self, count: int) -> None:
        """So many steps have been made."""
        self.doing(f"{count:,} steps")

    def rows(self, done: int, of: int) -> None:
        """So many rows of a table are filled."""
        self.doing(f"{done} of {of} rows")

    def doing(self, what: str) -> None:
        """What is being done now."""
        if sys.stderr.isatty():
            print(f"{_ERASE}{what}", end="", file=sys.stderr, flush=True)
            self._shown = True

    def done(self) -> None:
        """Take the line away."""
        if self._shown:
            print(_ERASE, end="", file=sys.stderr, flush=True)
