"""Which runs QEMU can be stepped beside: those that one CPU plays to its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from trapscope.core.session.catalogue import CATALOGUE, variants_of
from trapscope.core.types import RunSpec

#: Runs that go round in circles: the first NMI's frame is gone, and with it the way back.
_ENDLESS: Final = {("nmi-in-nmi", "gap", ("plain-nmi",))}


def one_cpu_runs() -> Iterator[RunSpec]:
    """Every scenario for one CPU, under every design, without and with each variant."""
    for scenario in CATALOGUE.values():
        for design in scenario.designs if scenario.cpus == 1 else ():
            for variants in ((), *((name,) for name in variants_of(scenario, design))):
                if (scenario.name, design, variants) not in _ENDLESS:
                    yield RunSpec(scenario.name, design, variants)
