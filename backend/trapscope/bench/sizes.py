"""What a step takes on the wire and at rest: the scenarios as they are played, in the frames that clients are sent."""

from __future__ import annotations

import zlib
from typing import NamedTuple

from trapscope.bench.recording import Run, observe
from trapscope.core.image import Image
from trapscope.core.session.catalogue import CATALOGUE
from trapscope.server.worker.recorder import Recorder


class Size(NamedTuple):
    """Bytes of one scenario's steps: as they are, and deflated (zlib, level 6)."""

    scenario: str
    steps: int
    raw: int
    deflated: int


def scenario_sizes(image: Image) -> list[Size]:
    """Of every scenario."""
    return [_size(image, name) for name in CATALOGUE]


def _size(image: Image, scenario: str) -> Size:
    session = Run.of(image, scenario).session()
    observe(session)
    frame = Recorder(session).chunk().frame
    return Size(scenario, len(session.trace), len(frame), len(zlib.compress(frame, 6)))
