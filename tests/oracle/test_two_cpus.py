"""The same ELF on QEMU's own two CPUs, at full speed and with QEMU's own timing.

No step is compared here: the guest counts and judges itself. Single-threaded TCG, because multi-threaded TCG 7.2
fetches stale code (backend/guest/README.md).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.guest.played import Report, play
from tests.oracle.conftest import Count
from trapscope.core.image import Image

RUNS = 50
TOGGLES = 200
AT_LEAST_TRAPS = 1000


@pytest.mark.parametrize("design", ["thread", "gap"])
@pytest.mark.parametrize("scenario", ["patch-live", "disable-live", "livepatch-live", "two-sites"])
def test_the_guest_judges_itself_well_while_the_patcher_toggles(
    tmp_path: Path, image: Image, guest_elf: bytes, scenario: str, design: str, count: Count
) -> None:
    def one(number: int) -> Report:
        folder = tmp_path / str(number)
        folder.mkdir()
        return play(folder, image, guest_elf, scenario, design, cpus=2, rounds=TOGGLES)

    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(one, range(RUNS)))

    traps = sum(report.counts["traps"] for report in reports)
    count({"runs on two CPUs of QEMU": RUNS, f"traps in {scenario}": traps})
    assert {report.verdict for report in reports} == {"ok"}
    assert all(report.counts["traps"] == report.counts["emulations"] for report in reports)
    assert (
        sum(report.counts["wrong"] + report.counts["old_bodies"] + report.counts["warnings"] for report in reports) == 0
    )
    assert traps >= AT_LEAST_TRAPS
