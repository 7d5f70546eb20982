"""Adds up what the oracle's tests compared and says it in the summary, so that everybody sees that it ran."""

from __future__ import annotations

from collections import Counter

import pytest

from trapscope.core.image import Image
from trapscope.core.types import RunSpec
from trapscope.oracle import Comparison, Qemu, compare, record

TALLY = pytest.StashKey[Counter[str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the totals, QEMU's known mistakes included."""
    tally = config.stash.get(TALLY, None)
    if not tally:
        return
    terminalreporter.section("QEMU beside the machine")
    for what, count in tally.items():
        terminalreporter.line(f"{count:>9,} {what}")


class Beside:
    """Plays a run on the machine and in QEMU, and keeps the tally."""

    def __init__(self, image: Image, elf: bytes, tally: Counter[str]) -> None:
        self._image, self._elf, self._tally = image, elf, tally

    def compare(self, spec: RunSpec, schedule: str = "0>.") -> Comparison:
        """Raises Disagreement at the first difference."""
        recording = record(self._image, spec, schedule)
        with Qemu(self._image, self._elf, recording.params) as qemu:
            result = compare(self._image, recording, qemu)
        self._tally.update(
            {
                "runs without a difference": 1,
                "instructions compared": result.instructions,
                "deliveries compared": result.deliveries,
                "written words compared": result.words,
                "bytes of memory compared at the end": result.memory_bytes,
                **result.allowed,
            }
        )
        return result


@pytest.fixture(scope="session")
def beside(image: Image, guest_elf: bytes, request: pytest.FixtureRequest) -> Beside:
    """The pair of emulators."""
    return Beside(image, guest_elf, request.config.stash.setdefault(TALLY, Counter()))
