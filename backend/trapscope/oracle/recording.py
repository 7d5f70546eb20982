"""What the machine did from the 64-bit entry on: boot included, which a session leaves out.

The machine is deterministic, so it can run first and be compared afterwards. The schedule starts at `scenario_start`,
behind the boot; it is a session's canonical one, or one with `0>&SYMBOL` and `0>.`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trapscope.core.image import Image
from trapscope.core.machine import BootParams, Machine
from trapscope.core.session import boot_params, parse
from trapscope.core.session.schedule import Inject, Names, RunSteps, RunToEnd, RunUntilSymbol
from trapscope.core.types import RIP, RunSpec, Step

_BUDGET_STEPS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Injection:
    """`irq`, `nmi` or `mce`, raised before the step of that index."""

    before: int
    what: str


@dataclass(frozen=True, slots=True)
class Recording:
    """Steps of CPU 0 from `startup_64` to `scenario_end`; the first `boot` of them are what a session leaves out."""

    params: BootParams
    entry: tuple[int, ...]
    steps: tuple[Step, ...]
    boot: int
    injections: tuple[Injection, ...]
    ram: bytes


def record(image: Image, spec: RunSpec, schedule: str) -> Recording:
    """Play a one-CPU run; raises ValueError if the schedule does not end at `scenario_end`."""
    if spec.cpus != 1:
        raise ValueError(f"only one CPU can be stepped beside QEMU, not {spec.cpus}")
    params = boot_params(image, spec)
    machine = Machine(image, params)
    entry = machine.registers(0)
    start = image.symbol("scenario_start").address
    steps = _run_to(machine, start)
    boot = len(steps)
    injections = []
    for token in parse(schedule, Names(1, (), lambda name: image.symbol(name).address)):
        if isinstance(token, Inject):
            injections.append(Injection(len(steps), token.what))
            _inject(machine, token.what)
        elif isinstance(token, RunSteps):
            end = len(steps) + token.steps
            while len(steps) < end and (made := machine.run(0, end - len(steps))):
                steps += made
        elif isinstance(token, RunUntilSymbol):
            steps += _run_to(machine, token.address)
        elif isinstance(token, RunToEnd):
            steps += _run_to(machine, image.symbol("scenario_end").address)
        else:
            raise ValueError(f"{token.text!r} is not a token for one CPU from end to end")
    if not machine.at_end(0):
        raise ValueError(f"the schedule ends at {image.name(machine.registers(0)[RIP])}, not at scenario_end")
    return Recording(params, entry, tuple(steps), boot, tuple(injections), machine.ram())


def _run_to(machine: Machine, address: int) -> list[Step]:
    """Run until the address is about to be executed; raises ValueError where that never comes."""
    steps: list[Step] = []
    while not steps or machine.registers(0)[RIP] != address:
        made = machine.run(0, _BUDGET_STEPS - len(steps), frozenset({address})) if len(steps) < _BUDGET_STEPS else []
        if not made:
            at = machine.registers(0)[RIP]
            raise ValueError(f"the guest stands at {at:#x} after {len(steps)} steps and does not get to {address:#x}")
        steps += made
    return steps


def _inject(machine: Machine, what: str) -> None:
    if what == "irq":
        machine.inject_irq(0)
    elif what == "nmi":
        machine.inject_nmi(0)
    elif what == "mce":
        machine.inject_mce(0)
    else:
        raise ValueError(f"nobody can inject {what!r}")
