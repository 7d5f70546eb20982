"""The whole machine on the guest: boot, determinism, snapshots, injections."""

from dataclasses import replace

import pytest

from trapscope.core.image import Image
from trapscope.core.machine import BootParams, Machine
from trapscope.core.types import RIP, RSP, Step, StepKind, ram_offset


def booted(image: Image, design: str = "thread") -> Machine:
    scenario, designs = image.enum("scenario_id")["SCENARIO_first_call"], image.enum("design_id")
    machine = Machine(image, BootParams(scenario, designs[f"DESIGN_{design}"], 0, 1))
    machine.boot()
    return machine


def test_boot_ends_at_scenario_start_as_moment_0(image: Image) -> None:
    machine = booted(image)
    assert machine.registers(0)[RIP] == image.symbol("scenario_start").address
    assert machine.steps(0, 1)[0].moment == 0


def test_two_machines_make_the_same_steps(image: Image) -> None:
    one, other = booted(image), booted(image)
    steps = one.steps(0, 100_000)
    assert one.at_end(0)
    assert steps == other.steps(0, 100_000)


@pytest.mark.parametrize("piece", [1, 13])
def test_slices_of_any_length_make_the_same_steps(image: Image, piece: int) -> None:
    whole = booted(image).steps(0, 700)
    machine = booted(image)
    pieces: list[Step] = []
    while len(pieces) < 700:
        pieces += machine.steps(0, min(piece, 700 - len(pieces)))
    assert pieces == whole


def test_int3_is_one_step_and_its_delivery_the_next(image: Image) -> None:
    steps = booted(image).steps(0, 100_000)
    trap = next(step for step in steps if step.code == b"\xcc")
    delivery = steps[trap.moment + 1]
    assert (delivery.kind, delivery.vector, delivery.rip) == (StepKind.DELIVERY, 3, trap.rip + 1)
    assert [len(write.new) for write in delivery.writes] == [8] * 5
    assert delivery.writes[-1].new == (trap.rip + 1).to_bytes(8, "little")


def test_a_restored_snapshot_goes_on_exactly_as_the_first_time(image: Image) -> None:
    machine = booted(image)
    machine.steps(0, 400)
    snapshot = machine.snapshot()
    first = machine.steps(0, 100_000)
    for _ in range(2):
        machine.restore(snapshot)
        assert machine.steps(0, 100_000) == first


def test_an_old_value_of_every_store_is_what_memory_held(image: Image) -> None:
    machine = booted(image)
    ram = bytearray(machine.ram())
    for step in machine.steps(0, 100_000):
        for write in step.writes:
            at = write.addr & 0xFFFFF
            assert ram[at : at + len(write.old)] == write.old
            ram[at : at + len(write.new)] = write.new
    assert bytes(ram) == machine.ram()


def test_an_iretq_that_faults_unblocks_nmis_before_the_faults_handler_runs(image: Image) -> None:
    # SDM vol. 2A, IRET: "This unblocking occurs even if the instruction causes a fault." No schedule leads there: a
    # frame with a bad CS is laid by hand under the iretq of the NMI's entry code.
    machine = booted(image)
    assert machine.inject(0, "nmi")
    (delivery,) = machine.steps(0, 1)
    assert delivery.vector == 2
    assert machine.inject(0, "nmi")  # latched until an IRET
    entry, end = image.symbol("nmi").address, image.symbol("nmi").address + image.symbol("nmi").size
    while not (entry <= machine.rip(0) < end and image.bytes_at(machine.rip(0), 2) == b"\x48\xcf"):
        machine.steps(0, 1)
    here = machine.snapshot()
    ram, fetched = here.engine.memory
    selector = ram_offset(machine.registers(0)[RSP]) + 8
    bad = ram[:selector] + (0x1230).to_bytes(8, "little") + ram[selector + 8 :]
    machine.restore(replace(here, engine=here.engine._replace(memory=(bad, fetched))))
    fault, nmi = machine.steps(0, 2)
    assert (fault.vector, fault.error_code) == (13, 0x1230)
    assert nmi.vector == 2
