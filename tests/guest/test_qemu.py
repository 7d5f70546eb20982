"""The same ELF on a machine with firmware, an MMU, an IDT and local APICs of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guest.played import play
from trapscope.core.image import Image

ONE_CPU = (
    "first-call",
    "livepatch-window",
    "four-contexts",
    "fifth",
    "nmi-in-handler",
    "irq-in-stub",
    "nmi-in-nmi",
    "fork",
    "trampoline-site",
    "stack-room",
)
TWO_CPUS = (
    "preempt-migrate",
    "patch-live",
    "disable-live",
    "livepatch-live",
    "torn",
    "late-handler",
    "two-sites",
)


@pytest.mark.parametrize("design", ["thread", "gap"])
@pytest.mark.parametrize("scenario", ONE_CPU)
def test_a_scenario_of_one_cpu_ends_well(
    tmp_path: Path, image: Image, guest_elf: bytes, scenario: str, design: str
) -> None:
    report = play(tmp_path, image, guest_elf, scenario, design)

    assert report.verdict == "ok"
    assert report.counts["traps"] == report.counts["emulations"] == report.counts["calls"] >= 1
    assert report.counts["wrong"] == report.counts["warnings"] == report.counts["old_bodies"] == 0


@pytest.mark.parametrize("design", ["thread", "gap"])
@pytest.mark.parametrize("scenario", TWO_CPUS)
def test_a_scenario_of_two_cpus_ends_well(
    tmp_path: Path, image: Image, guest_elf: bytes, scenario: str, design: str
) -> None:
    report = play(tmp_path, image, guest_elf, scenario, design, cpus=2)

    assert report.verdict == "ok"
    assert report.counts["traps"] == report.counts["emulations"]
    assert report.counts["wrong"] == report.counts["warnings"] == report.counts["old_bodies"] == 0


@pytest.mark.parametrize("cpus", [3, 4])
def test_further_cpus_call_the_second_function(tmp_path: Path, image: Image, guest_elf: bytes, cpus: int) -> None:
    report = play(tmp_path, image, guest_elf, "two-sites", "thread", cpus=cpus, rounds=20)

    assert report.verdict == "ok"
    assert report.counts["traps"] > 0


@pytest.mark.parametrize("scenario", ["patch-live", "disable-live", "livepatch-live", "two-sites"])
def test_the_other_cpu_traps_while_the_patcher_toggles(
    tmp_path: Path, image: Image, guest_elf: bytes, scenario: str
) -> None:
    report = play(tmp_path, image, guest_elf, scenario, "thread", cpus=2, rounds=100)

    assert report.verdict == "ok"
    assert report.counts["traps"] >= 100


def test_skipping_loses_the_live_patch(tmp_path: Path, image: Image, guest_elf: bytes) -> None:
    report = play(tmp_path, image, guest_elf, "livepatch-window", "skip")

    assert report.verdict == "violated"
    assert report.counts["old_bodies"] == 1


def test_skipping_a_nop_that_becomes_a_call_is_allowed(tmp_path: Path, image: Image, guest_elf: bytes) -> None:
    report = play(tmp_path, image, guest_elf, "first-call", "skip")

    assert report.verdict == "ok"
    assert (report.counts["entries"], report.counts["calls"]) == (1, 0)


def test_a_stack_for_each_cpu_loses_the_address_of_a_task_that_moves(
    tmp_path: Path, image: Image, guest_elf: bytes
) -> None:
    report = play(tmp_path, image, guest_elf, "preempt-migrate", "percpu", cpus=2)

    assert report.verdict == "died"
    assert report.counts["migrations"] == 1
    assert (report.counts["trapnr"], report.counts["trap_ip"]) == (14, 0)  # it returned to 0


def test_without_a_gap_the_push_overwrites_the_saved_ss(tmp_path: Path, image: Image, guest_elf: bytes) -> None:
    report = play(tmp_path, image, guest_elf, "stack-room", "gap", "no-gap")

    assert report.verdict == "died"
    assert report.counts["trapnr"] == 13
    assert report.counts["trap_ip"] == image.symbol("native_irq_return_iret").address


def test_without_a_gap_the_other_parity_of_rsp_is_lucky(tmp_path: Path, image: Image, guest_elf: bytes) -> None:
    report = play(tmp_path, image, guest_elf, "stack-room", "gap", "no-gap", "rsp-8")

    assert report.verdict == "ok"


def test_a_live_patch_needs_registers_and_is_not_called_without(tmp_path: Path, image: Image, guest_elf: bytes) -> None:
    report = play(tmp_path, image, guest_elf, "livepatch-window", "thread", "caller-not-regs")

    assert report.verdict == "violated"
    assert (report.counts["old_bodies"], report.counts["calls"]) == (1, 1)


@pytest.mark.parametrize("design", ["skip", "thread", "gap"])
def test_a_traced_handler_overflows_its_stack(tmp_path: Path, image: Image, guest_elf: bytes, design: str) -> None:
    report = play(tmp_path, image, guest_elf, "first-call", design, "traced-handler")

    assert report.verdict == "died"
    assert report.counts["trapnr"] == 8  # the page fault has no stack to be delivered on
    assert 0 <= report.counts["trap_sp"] - image.symbol("_etext").address < 512


def test_a_traced_preemption_holds_two_slots_of_one_task(tmp_path: Path, image: Image, guest_elf: bytes) -> None:
    report = play(tmp_path, image, guest_elf, "preempt-migrate", "thread", "traced-preempt", cpus=2)

    assert report.verdict == "ok"
    assert (report.counts["traps"], report.counts["calls"]) == (2, 2)
