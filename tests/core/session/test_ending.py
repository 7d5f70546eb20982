"""An ending says what broke first and why, for every row of the matrix that does not end well, and what to see next."""

from __future__ import annotations

import pytest

from tests.core.lens.played import play, played
from trapscope.core.image import Image
from trapscope.core.lens import CHECKS
from trapscope.core.session import Session
from trapscope.core.session.catalogue import CATALOGUE, resolve
from trapscope.core.session.ending import Cut, Ending, Loop, Standstill, TooLong, Wait
from trapscope.core.session.ending_words import why_it_ended
from trapscope.core.session.next_run import SHOWN, next_run
from trapscope.core.types import Severity, Verdict
from trapscope.matrix.expectations import EXPECTATIONS
from trapscope.matrix.row import Row

BAD = [row for row in EXPECTATIONS if row.verdict is not Verdict.OK]


def of_row(image: Image, row: Row) -> Session:
    return played(image, row.scenario, row.design, *row.variants, fetch=row.fetch.value)


def ended(session: Session) -> Ending:
    assert session.ending is not None
    return session.ending


@pytest.mark.parametrize("row", BAD, ids=str)
def test_a_bad_ending_names_what_broke_first_and_keeps_the_rest(image: Image, row: Row) -> None:
    session = of_row(image, row)
    ending = ended(session)
    broken = [finding for finding in session.findings if finding.severity is Severity.VIOLATION]
    assert ending.first is not None
    assert ending.first.moment == min(finding.moment for finding in broken)
    assert sorted(map(repr, (ending.first, *ending.rest))) == sorted(map(repr, session.findings))
    words = why_it_ended(ending, session.spec)
    assert words.startswith(ending.first.detail)
    assert words[0].isupper()


@pytest.mark.parametrize("row", BAD, ids=str)
def test_every_finding_is_a_sentence_that_begins_with_a_capital_letter(image: Image, row: Row) -> None:
    for finding in of_row(image, row).findings:
        assert finding.check in CHECKS
        assert finding.detail[0].isupper(), finding
        assert not finding.detail.endswith("."), finding


@pytest.mark.parametrize("row", EXPECTATIONS, ids=str)
def test_what_to_look_at_next_can_be_run_and_is_another_run(image: Image, row: Row) -> None:
    spec = resolve(image, row.scenario, row.design, row.variants, row.fetch.value, row.cpus)
    then = next_run(spec, row.verdict)
    resolved = resolve(image, then.scenario, then.design, then.variants, then.fetch.value)
    Session(image, resolved).feed(then.schedule or "0>.")
    same = (resolved.scenario, resolved.design, resolved.variants, resolved.fetch)
    assert same != (spec.scenario, spec.design, spec.variants, spec.fetch) or then.schedule


def test_every_scenario_says_what_it_has_shown() -> None:
    assert list(SHOWN) == list(CATALOGUE)


def test_a_good_ending_says_what_was_shown_and_leads_on(image: Image) -> None:
    session = played(image, "nmi-in-handler")
    assert ended(session).first is None
    assert why_it_ended(ended(session), session.spec) == SHOWN["nmi-in-handler"].words
    then = next_run(session.spec, Verdict.OK)
    assert (then.words, then.variants) == ("Now exchange the two stores", ("slot-first",))


def test_a_run_that_goes_round_names_the_piece_and_how_often_it_came(image: Image) -> None:
    session = play(image, "nmi-in-nmi", "gap", "plain-nmi")
    cause = ended(session).cause
    assert session.verdict is Verdict.OUT_OF_STEPS
    assert isinstance(cause, Loop)
    assert "do_nmi" in cause.functions
    length = len(session.trace)
    last, before = (
        [session.trace.step(moment).rip for moment in range(end - cause.steps, end)]
        for end in (length, length - cause.steps)
    )
    assert last == before
    assert cause.times > 40


def test_a_run_that_was_given_too_few_steps_goes_nowhere_round(image: Image) -> None:
    session = Session(image, resolve(image, "first-call"), max_steps=300)
    session.feed("0>.")
    session.advance(300)
    session.finish()
    assert ended(session).cause == TooLong(300)
    assert "needs more" in why_it_ended(ended(session), session.spec)


def test_a_schedule_that_ends_early_is_said_to(image: Image) -> None:
    session = Session(image, resolve(image, "first-call"))
    session.feed("0*40")
    session.advance(1000)
    session.finish()
    assert ended(session).cause == Cut(40)


def test_who_waits_is_told_with_the_variable_and_with_who_should_answer(image: Image) -> None:
    spec = resolve(image, "first-call")
    waits = (
        Wait(0, "do_int3", halted=True, interrupts_off=True, variable="", value=0, answers=-1),
        Wait(1, "on_each_cpu", halted=False, interrupts_off=False, variable="call_data+0x10", value=1, answers=0),
    )
    assert why_it_ended(Ending(Verdict.STUCK, None, (), Standstill(waits)), spec) == (
        "CPU 0 is halted in do_int3, with interrupts off. CPU 1 waits in on_each_cpu for call_data+0x10, which is 0x1. "
        "CPU 0 should change it, and is halted, with interrupts off."
    )
