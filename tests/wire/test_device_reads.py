"""What docs/formats.md says of a device's reads: that a recorded step makes none."""

from __future__ import annotations

import pytest

from tests.core.lens.played import play
from trapscope.core.image import Image
from trapscope.core.machine import Machine
from trapscope.core.machine.apic import LocalApic
from trapscope.core.session.scenarios import SCENARIOS

RUNS = [(scenario.name, design) for scenario in SCENARIOS for design in scenario.designs]


@pytest.mark.parametrize(("scenario", "design"), RUNS)
def test_no_recorded_step_loads_from_the_local_apic(
    image: Image, scenario: str, design: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    boot = Machine.boot

    def note(_apic: LocalApic, offset: int) -> int:
        read.append(offset)
        return 0

    def begin(machine: Machine) -> None:
        boot(machine)
        monkeypatch.setattr(LocalApic, "read", note)

    monkeypatch.setattr(Machine, "boot", begin)
    play(image, scenario, design)

    assert read == []
