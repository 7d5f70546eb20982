"""The NMI entry: a second NMI at every single boundary of the first, and nobody's frame is lost."""

from __future__ import annotations

from trapscope.core.image import Image
from trapscope.core.machine import BootParams, Machine
from trapscope.core.types import KERNEL_MAP, RAM_BASE, RIP, RSP

LIMIT = 20_000


def in_the_first_nmi(image: Image, variants: int = 0) -> Machine:
    """A worker that has run into int3, and an NMI on top of it that is about to be taken."""
    scenario = image.enum("scenario_id")["SCENARIO_nmi_in_nmi"]
    design = image.enum("design_id")["DESIGN_thread"]
    machine = Machine(image, BootParams(scenario=scenario, design=design, variants=variants, cpus=1))
    machine.boot()
    entry = image.symbol("int3").address
    machine.run(0, LIMIT, entry)
    assert machine.registers(0)[RIP] == entry
    machine.inject(0, "nmi")
    return machine


def counted(image: Image, machine: Machine) -> tuple[str, int, int]:
    """The guest's own verdict, the bodies that ran, and the fops that were called."""
    start = image.symbol("report").address - KERNEL_MAP - RAM_BASE
    ram = machine.ram()

    def word(path: str) -> int:
        at = start + image.offset("report", path)
        return int.from_bytes(ram[at : at + 4], "little")

    verdicts = {value: name for name, value in image.enum("verdict").items()}
    return verdicts[word("verdict")], word("entries.counter"), word("calls.counter")


def where(machine: Machine) -> tuple[int, int]:
    """RIP and RSP: the NMI's own int3 comes by the same instruction, on another stack."""
    registers = machine.registers(0)
    return registers[RIP], registers[RSP]


def test_a_second_nmi_may_come_at_any_boundary_of_the_first(image: Image) -> None:
    machine = in_the_first_nmi(image)
    interrupted = where(machine)
    machine.run(0, 1)
    boundaries = 0
    while where(machine) != interrupted:
        here = machine.snapshot()
        machine.inject(0, "nmi")
        machine.run(0, LIMIT)
        assert machine.at_end(0)
        # traced_fn, and traced_nmi twice
        assert counted(image, machine) == ("VERDICT_ok", 3, 3), f"second NMI after {boundaries} steps of the first"
        machine.restore(here)
        machine.run(0, 1)
        boundaries += 1

    assert boundaries > 300


def test_without_the_protocol_the_second_nmi_ruins_the_first(image: Image) -> None:
    machine = in_the_first_nmi(image, 1 << image.enum("variant_bit")["VARIANT_plain_nmi"])
    machine.run(0, LIMIT, image.symbol("ftrace_int3_stub_regs_caller").address)
    machine.inject(0, "nmi")
    machine.run(0, LIMIT)

    assert counted(image, machine)[0] != "VERDICT_ok"
