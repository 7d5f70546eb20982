"""`trapscope serve`: the web application."""

from __future__ import annotations

import argparse

from trapscope.server import run


def serve(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    run.serve(arguments.host, arguments.port, arguments.workers)
    return 0
