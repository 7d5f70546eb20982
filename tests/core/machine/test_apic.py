"""The local APIC: destinations, priorities, end of interrupt."""

import pytest

from trapscope.core.machine.apic import Ipi, LocalApic

ICR_LOW, ICR_HIGH, EOI, TPR = 0x300, 0x310, 0xB0, 0x80


@pytest.mark.parametrize(
    ("high", "low", "targets"),
    [(2 << 24, 0xFB, (2,)), (0, 1 << 18 | 0xFB, (1,)), (0, 2 << 18 | 0xFB, (0, 1, 2)), (0, 3 << 18 | 0xFB, (0, 2))],
)
def test_an_icr_write_names_its_targets(high: int, low: int, targets: tuple[int, ...]) -> None:
    apic = LocalApic(cpu=1, cpus=3)
    apic.write(ICR_HIGH, high)
    assert apic.write(ICR_LOW, low) == Ipi(targets, 0xFB, nmi=False)


def test_an_icr_write_in_nmi_mode_sends_an_nmi() -> None:
    sent = LocalApic(cpu=0, cpus=2).write(ICR_LOW, 3 << 18 | 4 << 8)
    assert sent is not None
    assert sent.nmi
    assert sent.targets == (1,)


def test_a_vector_in_service_holds_back_its_own_class_until_eoi() -> None:
    apic = LocalApic(cpu=0, cpus=1, requested={0xEC})
    apic.accept(0xEC)
    apic.requested.update({0xE1, 0xFB})
    assert apic.next_vector() == 0xFB
    apic.requested.discard(0xFB)
    assert apic.next_vector() is None
    apic.write(EOI, 0)
    assert apic.next_vector() == 0xE1


def test_the_task_priority_holds_back_lower_classes() -> None:
    apic = LocalApic(cpu=0, cpus=1, requested={0xEC})
    apic.write(TPR, 0xE0)
    assert apic.next_vector() is None


def test_requested_vectors_are_readable_in_the_irr() -> None:
    assert LocalApic(cpu=0, cpus=1, requested={0xEC}).read(0x270) == 1 << (0xEC - 0xE0)
