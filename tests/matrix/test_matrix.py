"""The matrix: it covers the catalogue, and it notices when something comes out otherwise."""

from collections import Counter
from dataclasses import replace

import pytest

from trapscope.core.image import Image
from trapscope.core.session.catalogue import CATALOGUE, VARIANTS
from trapscope.core.types import Verdict
from trapscope.matrix.expectations import EXPECTATIONS
from trapscope.matrix.look import look
from trapscope.matrix.row import Row, Sweep


def row(scenario: str, design: str, *variants: str, sweep: Sweep = Sweep.ONCE) -> Row:
    [found] = [
        one
        for one in EXPECTATIONS
        if (one.scenario, one.design, one.variants, one.sweep) == (scenario, design, variants, sweep)
    ]
    return found


def test_every_scenario_of_the_catalogue_is_expected_to_do_something() -> None:
    assert {one.scenario for one in EXPECTATIONS} == set(CATALOGUE)


def test_every_design_that_a_scenario_for_one_cpu_offers_is_expected_to_do_something() -> None:
    covered = {(one.scenario, one.design) for one in EXPECTATIONS}
    offered = {(one.name, design) for one in CATALOGUE.values() for design in one.designs if one.cpus == 1}
    assert offered <= covered


def test_every_variant_is_expected_to_make_a_difference_somewhere() -> None:
    assert {name for one in EXPECTATIONS for name in one.variants} == set(VARIANTS)


def test_each_live_scenario_has_five_hundred_random_schedules_and_no_seed_comes_twice() -> None:
    seeds = Counter(one.scenario for one in EXPECTATIONS for _ in one.points)
    live = ("patch-live", "disable-live", "livepatch-live", "two-sites", "trampoline-site")
    assert seeds == dict.fromkeys(live, 500)
    assert len({seed for one in EXPECTATIONS for seed in one.points}) == 2500


def test_no_row_stands_twice() -> None:
    assert len(set(EXPECTATIONS)) == len(EXPECTATIONS)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"verdict": Verdict.VIOLATED}, "verdict ok, expected violated"),
        ({"must": frozenset({"nmi"})}, "nmi did not come"),
        ({"never": frozenset({"slot-pushed"})}, "slot-pushed came"),
        ({"breaks": frozenset({"calls-once"})}, "violated nothing, expected exactly calls-once"),
    ],
)
def test_a_wrong_expectation_is_a_difference_that_says_what_came(
    image: Image, wrong: dict[str, object], says: str
) -> None:
    got = look(image, replace(row("first-call", "thread"), **wrong))  # type: ignore[arg-type]
    assert not got.agrees
    assert says in " ".join(got.differences)


def test_a_sweep_finds_just_the_boundaries_that_a_wrong_order_breaks(image: Image) -> None:
    mistaken = replace(row("nmi-in-handler", "thread", "slot-first", sweep=Sweep.EVERY_HANDLER_BOUNDARY),
                       verdict=Verdict.OK, must=frozenset())  # fmt: skip
    got = look(image, mistaken)
    assert got.runs > 50
    # The two stores of the push are a few instructions apart.
    assert 1 <= sum("verdict violated" in difference for difference in got.differences) <= 3


@pytest.mark.parametrize("variant", ["no-sync-1", "no-sync-2", "no-int3"])
def test_the_sweep_over_mixtures_finds_a_torn_fetch_where_the_protocol_is_cut_short(image: Image, variant: str) -> None:
    got = look(image, replace(row("torn", "thread", variant, sweep=Sweep.TORN), breaks=frozenset()))
    assert any("would decode" in difference for difference in got.differences)
