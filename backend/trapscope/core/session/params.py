"""A run's spec in the guest's own numbers, and a machine that has booted with them."""

from __future__ import annotations

from trapscope.core.image import Image
from trapscope.core.machine import BootParams, Machine
from trapscope.core.types import RunSpec


def boot_params(image: Image, spec: RunSpec) -> BootParams:
    """The spec in the guest's own numbers, by its DWARF enumerators."""
    bits = image.enum("variant_bit")
    variants = sum(1 << bits[f"VARIANT_{name.replace('-', '_')}"] for name in spec.variants)
    scenario = image.enum("scenario_id")[f"SCENARIO_{spec.scenario.replace('-', '_')}"]
    design = image.enum("design_id")[f"DESIGN_{spec.design.replace('-', '_')}"]
    return BootParams(scenario, design, variants, spec.cpus)


def booted(image: Image, spec: RunSpec) -> Machine:
    """A machine at moment 0 of the run."""
    machine = Machine(image, boot_params(image, spec), spec.fetch)
    machine.boot()
    return machine
