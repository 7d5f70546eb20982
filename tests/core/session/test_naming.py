"""What is printed of a run can be read back: injections that latch, injections that nobody takes, long schedules."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.lens.played import play
from trapscope.core.image import Image
from trapscope.core.session.schedule import MAX_LENGTH
from trapscope.core.types import Verdict

TOKENS = ["nmi@0", "irq@0", "mce@0", "nmi@1", "irq@1", "0", "1", "0*7", "1*30", "0*200", "rr*1", "rr*13", "0>."]


@given(st.lists(st.sampled_from(TOKENS), min_size=1, max_size=40))
@settings(max_examples=40)
def test_the_schedule_that_a_run_prints_gives_the_same_run_again(image: Image, tokens: list[str]) -> None:
    first = play(image, "torn", schedule=" ".join(tokens))
    again = play(image, "torn", schedule=first.schedule or "0")
    if first.schedule:
        assert (again.hash, again.verdict, again.schedule) == (first.hash, first.verdict, first.schedule)
        assert [finding.check for finding in again.findings] == [finding.check for finding in first.findings]


def test_thousands_of_the_same_interrupt_are_latched_once_and_named_once(image: Image) -> None:
    session = play(image, "two-sites", schedule="nmi@0 " * 9_000 + "rr*1")
    assert session.is_named
    assert len(session.schedule) <= MAX_LENGTH
    assert session.schedule.split()[0] == "nmi@0"
    assert session.schedule.count("nmi@0") == 1
    again = play(image, "two-sites", schedule=session.schedule)
    assert again.hash == session.hash


@pytest.mark.parametrize("what", ["irq", "nmi", "mce"])
@pytest.mark.parametrize("cpu", [0, 1])
def test_what_is_raised_when_the_scenario_is_over_is_noted_and_stays_in_the_schedule(
    image: Image, what: str, cpu: int
) -> None:
    session = play(image, "torn", schedule=f"0>. {what}@{cpu}")
    (note,) = [finding for finding in session.findings if finding.check == "injections-taken"]
    assert (note.severity, note.cpu) == ("note", cpu)
    assert f"{what}@{cpu}" in note.detail
    assert session.verdict is Verdict.OK
    assert session.schedule.endswith(f" {what}@{cpu}")
    again = play(image, "torn", schedule=session.schedule)
    assert [finding.check for finding in again.findings] == ["injections-taken"]
    assert again.schedule == session.schedule


def test_an_interrupt_raised_right_at_the_end_is_noted_although_more_was_asked_for_behind_it(image: Image) -> None:
    session = play(image, "first-call", schedule="0>&scenario_end irq@0 0>.")
    assert "injections-taken" in [finding.check for finding in session.findings]
    assert session.schedule == f"0*{len(session.trace)} irq@0"


def test_a_run_that_cannot_be_named_says_so(image: Image) -> None:
    # Turns of ever other lengths fold into nothing.
    turns = " ".join(
        f"0*{1 + number % 7} 1*{1 + number % 11} 0*{1 + number % 13} 1*{1 + number % 17}" for number in range(3000)
    )
    session = play(image, "torn", schedule=turns)
    assert session.is_named is (len(session.schedule) <= MAX_LENGTH)
