"""Schedules: what parses, what is refused and where, and the canonical form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trapscope.core.errors import BadSchedule
from trapscope.core.session.canonical import Canonical
from trapscope.core.session.schedule import (
    AnyToken,
    Fetch,
    Inject,
    Names,
    RoundRobin,
    RunSteps,
    RunToEnd,
    RunUntilEvent,
    RunUntilSymbol,
    RunUntilWaits,
    parse,
)


def address(symbol: str) -> int | None:
    return 0x1234 if symbol == "ftrace_caller" else None


NAMES = Names(cpus=2, events={"int3", "slot-pushed"}, address=address, weak_fetch=True)


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("1", RunSteps("1", 0, 1, 1)),
        ("0*120", RunSteps("0*120", 0, 0, 120)),
        ("1*", RunUntilWaits("1*", 0, 1)),
        ("0>slot-pushed", RunUntilEvent("0>slot-pushed", 0, 0, "slot-pushed")),
        ("0>&ftrace_caller", RunUntilSymbol("0>&ftrace_caller", 0, 0, "ftrace_caller", 0x1234)),
        ("0>.", RunToEnd("0>.", 0, 0)),
        ("irq@1", Inject("irq@1", 0, "irq", 1)),
        ("nmi@0", Inject("nmi@0", 0, "nmi", 0)),
        ("mce@0", Inject("mce@0", 0, "mce", 0)),
        ("fetch@1", Fetch("fetch@1", 0, 1, None, None)),
        ("fetch@1+4", Fetch("fetch@1+4", 0, 1, None, 4)),
        ("fetch@0&ftrace_caller+0", Fetch("fetch@0&ftrace_caller+0", 0, 0, 0x1234, 0)),
        ("rr*7", RoundRobin("rr*7", 0, 7)),
    ],
)
def test_every_form_parses(text: str, token: AnyToken) -> None:
    assert parse(text, NAMES) == (token,)


@pytest.mark.parametrize(
    ("schedule", "token", "position", "why"),
    [
        ("0 7*3", "7*3", 2, "there is no CPU 7; this run has CPUs 0 to 1"),
        ("0*0", "0*0", 0, "from 1 to"),
        ("0*99999999999999", "0*99999999999999", 0, "from 1 to"),
        ("0>int4", "0>int4", 0, "there is no event int4; there are int3, slot-pushed"),
        ("0 1 0>&nowhere", "0>&nowhere", 4, "no symbol nowhere"),
        ("0**", "0**", 0, "not a schedule token; the forms are K*N"),
        ("zap@0", "zap@0", 0, "not a schedule token"),
        ("fetch@0+5", "fetch@0+5", 0, "bytes 0 to 4"),
        ("fetch@0&nowhere+1", "fetch@0&nowhere+1", 0, "no symbol nowhere"),
        ("rr*0", "rr*0", 0, "from 1 to"),
        ("٣*5", "٣*5", 0, "not a schedule token"),
        ("0 (0*1 zap@0)*2", "zap@0", 7, "not a schedule token"),
        ("0 ( )*2", "( )*2", 2, "nothing between the parentheses"),
        ("(0)*0", "(0)*0", 0, "1 to 200000 times"),
        ("(0 1)*150000", "(0 1)*150000", 0, "more than 200000 tokens"),
        ("((0)*2)*2", "((0)*2)*2", 0, "not a schedule token"),
        ("(0 1", "(0", 0, "not a schedule token"),
    ],
)
def test_a_bad_token_is_named_with_its_position(schedule: str, token: str, position: int, why: str) -> None:
    with pytest.raises(BadSchedule) as caught:
        parse(schedule, NAMES)
    assert (caught.value.token, caught.value.position) == (token, position)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fetch_token_is_refused_in_the_coherent_model() -> None:
    with pytest.raises(BadSchedule, match="need the weak fetch model"):
        parse("fetch@0", Names(1, (), lambda _name: None))


@given(st.text(max_size=60))
def test_any_text_parses_or_is_refused_by_name(text: str) -> None:
    refused: BadSchedule | None = None
    tokens: tuple[AnyToken, ...] = ()
    try:
        tokens = parse(text, NAMES)
    except BadSchedule as error:
        refused = error
    if refused is None:
        assert "(" in text or [token.text for token in tokens] == text.split()
    else:
        assert text[refused.position :].startswith(refused.token)


steps = st.tuples(st.integers(0, 1), st.integers(1, 5))


@given(st.lists(steps | st.sampled_from(["nmi@0", "irq@1"]), max_size=20))
def test_the_canonical_form_parses_to_the_same_steps_and_injections(plan: list[tuple[int, int] | str]) -> None:
    canonical = Canonical()
    expected: list[int | str] = []
    for entry in plan:
        if isinstance(entry, str):
            canonical.add(entry)
            expected.append(entry)
        else:
            cpu, count = entry
            canonical.step(cpu, count)
            expected += [cpu] * count
    got: list[int | str] = []
    for token in parse(str(canonical), NAMES):
        if isinstance(token, RunSteps):
            got += [token.cpu] * token.steps
        else:
            got.append(token.text)
    assert got == expected


def test_a_piece_that_repeats_means_the_same_as_its_tokens_written_out() -> None:
    folded, plain = parse("0 (0*3 nmi@0 1)*3 0", NAMES), parse("0 0*3 nmi@0 1 0*3 nmi@0 1 0*3 nmi@0 1 0", NAMES)
    assert [token.text for token in folded] == [token.text for token in plain]


def written_out(schedule: str) -> list[str]:
    return [token.text for token in parse(schedule, NAMES)]


@given(st.lists(st.sampled_from(["nmi@0", "irq@1", "0", "1"]), max_size=60))
def test_folding_changes_the_text_and_never_what_it_says(plan: list[str]) -> None:
    canonical = Canonical()
    flat: list[str] = []
    for entry in plan:
        if entry.isdigit():
            canonical.step(int(entry))
            run = flat[-1].split("*") if flat and "*" in flat[-1] else ["", ""]
            if run[0] == entry:
                flat[-1] = f"{entry}*{int(run[1]) + 1}"
            else:
                flat.append(f"{entry}*1")
        else:
            canonical.add(entry)
            flat.append(entry)
    assert written_out(str(canonical)) == flat
    assert len(canonical) == len(str(canonical)) <= len(" ".join(flat))


def test_cpus_in_turn_are_one_piece_however_long_the_run() -> None:
    canonical = Canonical()
    for _ in range(50_000):
        for cpu in range(4):
            canonical.step(cpu)
    canonical.step(0, 7)
    assert str(canonical) == "(0*1 1*1 2*1 3*1)*50000 0*7"


def test_steps_of_one_cpu_in_a_row_are_one_canonical_token() -> None:
    canonical = Canonical()
    for cpu in (0, 0, 1, 0):
        canonical.step(cpu)
    assert str(canonical) == "0*2 1*1 0*1"
