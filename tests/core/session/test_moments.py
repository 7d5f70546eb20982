"""A moment as people type it, against a run that is at hand."""

import pytest

from tests.core.lens.played import only, played
from trapscope.core.errors import BadInput
from trapscope.core.image import Image
from trapscope.core.session.moments import moment_of


def test_a_number_is_that_moment_up_to_the_one_behind_the_last_step(image: Image) -> None:
    session = played(image, "first-call")
    last = len(session.trace)
    assert [moment_of(text, session) for text in ("0", "007", str(last))] == [0, 7, last]


def test_an_event_is_the_moment_right_after_its_step(image: Image) -> None:
    session = played(image, "first-call")
    pushed = only(session.events, "slot-pushed")[0]
    moment = moment_of("slot-pushed", session)
    assert moment == pushed.moment + 1
    assert pushed.moment in range(moment)


def test_a_number_behind_the_name_chooses_among_events_of_a_kind(image: Image) -> None:
    session = played(image, "four-contexts")
    pushes = [event.moment + 1 for event in only(session.events, "slot-pushed")]
    assert len(pushes) > 2
    assert [moment_of(f"slot-pushed:{which}", session) for which in range(1, len(pushes) + 1)] == pushes


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("99999999", "this run has no moment 99999999: its moments are 0 to "),
        ("elevenses", "there is no event “elevenses”; there are "),
        ("migrated", "no step of this run raises migrated"),
        ("slot-pushed:2", "there is no slot-pushed:2: this run has slot-pushed:1 to slot-pushed:1"),
        ("slot-pushed:0", "there is no slot-pushed:0"),
        ("slot-pushed:", "“slot-pushed:” is no moment: give a number, an event's name, or EVENT:N"),
        ("-1", "“-1” is no moment"),
        ("", "“” is no moment"),
        ("٣", "“٣” is no moment"),
    ],
)
def test_what_is_no_moment_of_the_run_is_refused_in_words(image: Image, text: str, why: str) -> None:
    with pytest.raises(BadInput) as refused:
        moment_of(text, played(image, "first-call"))
    assert why in str(refused.value)
