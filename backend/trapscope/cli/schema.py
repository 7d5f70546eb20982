"""`trapscope schema`: the API's description for people who write clients."""

from __future__ import annotations

import argparse
import json

from trapscope.server import schema


def print_schema(_arguments: argparse.Namespace) -> int:
    """OpenAPI, with the socket's messages."""
    print(json.dumps(schema.document(), indent=2))
    return 0
