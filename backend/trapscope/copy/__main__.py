"""`python -m trapscope.copy --out FILE`: the words as a module of TypeScript."""

from __future__ import annotations

import argparse
from pathlib import Path

from trapscope.copy import generated


def main() -> None:
    """Write the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.parse_args().out.write_text(generated(), encoding="utf-8")


if __name__ == "__main__":
    main()
