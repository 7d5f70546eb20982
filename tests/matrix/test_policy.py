"""Policies: they parse, they are reproducible, and what they chose is in the canonical schedule."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trapscope.core.errors import BadInput
from trapscope.core.image import Image
from trapscope.core.session import Session
from trapscope.core.session.catalogue import resolve
from trapscope.core.types import Verdict
from trapscope.matrix.policy import Policy, Random, RoundRobin, ToEnd, drive, parse, run_out


@pytest.mark.parametrize("policy", [ToEnd(), RoundRobin(7), Random(0), Random(123456)])
def test_a_policy_parses_from_what_it_prints(policy: Policy) -> None:
    assert parse(str(policy)) == policy


@pytest.mark.parametrize("text", ["", "rr:0", "rr:x", "random:", "random:-1", "fastest"])
def test_an_unknown_policy_is_refused_with_what_there_is(text: str) -> None:
    with pytest.raises(BadInput, match=r"there are end, rr:QUANTUM, random:SEED"):
        parse(text)


def driven(image: Image, policy: Policy) -> Session:
    session = Session(image, resolve(image, "livepatch-live", "thread"))
    drive(session, policy)
    return session


@pytest.mark.parametrize("policy", [ToEnd(), RoundRobin(3), Random(5)])
def test_the_canonical_schedule_of_a_policy_reproduces_its_run(image: Image, policy: Policy) -> None:
    session = driven(image, policy)
    again = Session(image, session.spec)
    again.feed(session.schedule)
    run_out(again)
    assert (again.verdict, again.hash) == (session.verdict, session.hash)


def test_different_seeds_give_different_runs(image: Image) -> None:
    assert driven(image, Random(1)).hash != driven(image, Random(2)).hash


turns = st.lists(
    st.tuples(st.integers(0, 1), st.integers(1, 60)).map(lambda turn: f"{turn[0]}*{turn[1]}")
    | st.sampled_from(["irq@0", "irq@1", "nmi@0", "nmi@1"]),
    max_size=40,
)


@given(turns, st.sampled_from(["thread", "gap"]))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_schedule_of_steps_interrupts_and_nmis_breaks_thread_or_gap(
    image: Image, schedule: list[str], design: str
) -> None:
    session = Session(image, resolve(image, "two-sites", design))
    session.feed(" ".join([*schedule, "rr*7"]))
    run_out(session)
    assert session.verdict in (Verdict.OK, Verdict.STUCK), session.schedule


@given(turns)
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_run_can_be_undone_to_its_start_and_reproduced_from_its_canonical_schedule(
    image: Image, schedule: list[str]
) -> None:
    session = Session(image, resolve(image, "two-sites", "thread"))
    session.feed(" ".join([*schedule, "rr*5"]))
    run_out(session)
    state = session.trace.seek(len(session.trace))
    for moment in range(len(session.trace) - 1, -1, -1):
        state.undo(session.trace.step(moment))
    assert state.digest() == session.state0.digest()
    again = Session(image, session.spec)
    again.feed(session.schedule)
    run_out(again)
    again.finish()
    assert again.hash == session.hash
