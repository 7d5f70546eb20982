"""`trapscope schema`: the API and the trace's lines, described for people who write clients."""

from __future__ import annotations

import argparse
import json

from trapscope.server import schema
from trapscope.wire import lines


def print_schema(arguments: argparse.Namespace) -> int:
    """OpenAPI, with the socket's messages; or the JSON Schema of a trace's lines."""
    print(json.dumps(lines.document() if arguments.jsonl else schema.document(), indent=2, ensure_ascii=False))
    return 0
