"""`python -m trapscope` is the command `trapscope`."""

from __future__ import annotations

import sys

from trapscope.cli import main

if __name__ == "__main__":
    sys.exit(main())
