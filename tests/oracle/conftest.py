"""Adds up what the oracle's tests compared and says it in the summary, so that everybody sees that it ran.

What a test compared travels with its report, so it arrives from whichever process ran the test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import pytest

from trapscope.core.image import Image
from trapscope.core.types import RunSpec
from trapscope.oracle import Comparison, Qemu, compare, record

Count = Callable[[Mapping[str, int]], None]

_COUNTED = "counted beside QEMU"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the totals, QEMU's known mistakes included."""
    tally = Counter[str]()
    for report in terminalreporter.getreports("passed"):
        for name, counts in report.user_properties:
            if name == _COUNTED:
                tally.update(counts)
    if not tally:
        return
    terminalreporter.section("QEMU beside the machine")
    for what, count in tally.items():
        terminalreporter.line(f"{count:>9,} {what}")


class Beside:
    """Plays a run on the machine and in QEMU, and keeps the tally."""

    def __init__(self, image: Image, elf: bytes, count: Count) -> None:
        self._image, self._elf, self._count = image, elf, count

    def compare(self, spec: RunSpec, schedule: str = "0>.") -> Comparison:
        """Raises Disagreement at the first difference."""
        recording = record(self._image, spec, schedule)
        with Qemu(self._image, self._elf, recording.params) as qemu:
            result = compare(self._image, recording, qemu)
        self._count(
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


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Count:
    """Adds to the totals."""
    return lambda counts: record_property(_COUNTED, dict(counts))


@pytest.fixture
def beside(image: Image, guest_elf: bytes, count: Count) -> Beside:
    """The pair of emulators."""
    return Beside(image, guest_elf, count)
