"""What the machine did from the 64-bit entry on: boot included, which a session leaves out.

The machine is deterministic, so it can run first and be compared afterwards: a session turns the schedule into its
canonical form, which is then played from the entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trapscope.core.image import Image
from trapscope.core.machine import BootParams, Machine
from trapscope.core.session import Session, boot_params, parse
from trapscope.core.session.schedule import AnyToken, Inject, Names, RunSteps
from trapscope.core.types import RIP, RunSpec, Step

_BOOT_BUDGET_STEPS: Final = 1_000_000


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
    """Play a one-CPU run; raises ValueError if it does not get to `scenario_end`."""
    if spec.cpus != 1:
        raise ValueError(f"only one CPU can be stepped beside QEMU, not {spec.cpus}")
    params = boot_params(image, spec)
    machine = Machine(image, params)
    entry = machine.registers(0)
    steps = _boot(machine, image.symbol("scenario_start").address)
    boot = len(steps)
    injections = []
    for token in _canonical(image, spec, schedule):
        if isinstance(token, Inject):
            injections.append(Injection(len(steps), token.what))
            machine.inject(0, token.what)
        elif isinstance(token, RunSteps):
            end = len(steps) + token.steps
            while len(steps) < end and (made := machine.steps(0, end - len(steps))):
                steps += made
        else:
            raise ValueError(f"{token.text!r} is nothing for one CPU with coherent fetches")
    if not machine.at_end(0):
        raise ValueError(f"the run ends at {image.name(machine.registers(0)[RIP])}, not at scenario_end")
    return Recording(params, entry, tuple(steps), boot, tuple(injections), machine.ram())


def _canonical(image: Image, spec: RunSpec, schedule: str) -> tuple[AnyToken, ...]:
    """The schedule as steps and injections."""
    session = Session(image, spec)
    session.feed(schedule)
    while session.pending:
        session.advance(session.max_steps)
    return parse(session.schedule, Names(1, (), lambda _name: None))


def _boot(machine: Machine, start: int) -> list[Step]:
    """Run until `scenario_start` is about to be executed; raises ValueError where that never comes."""
    steps: list[Step] = []
    while machine.registers(0)[RIP] != start:
        made = machine.steps(0, _BOOT_BUDGET_STEPS - len(steps), start)
        if not made or len(steps) + len(made) >= _BOOT_BUDGET_STEPS:
            raise ValueError(f"the guest did not reach scenario_start in {len(steps)} steps of booting")
        steps += made
    return steps
