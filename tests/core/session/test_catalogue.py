"""The catalogue: what is offered exists, what is refused is named, and sentences are the patch's own."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.core.lens.played import played
from trapscope.core.errors import BadInput
from trapscope.core.image import Image
from trapscope.core.lens.events import FramePushed
from trapscope.core.session import Session, sentences
from trapscope.core.session.catalogue import (
    CATALOGUE,
    CONTRADICTIONS,
    DESIGNS,
    VARIANTS,
    offered,
    resolve,
    variants_of,
)
from trapscope.core.types import FetchModel, RunSpec

#: The seed patch's message and the comment that it adds, as posted on 27 April 2019.
PATCH = re.sub(r"\s+", " ", (Path(__file__).parent / "seed-patch.txt").read_text())


def test_every_scenario_of_the_guest_is_offered_and_no_other(image: Image) -> None:
    known = {name.removeprefix("SCENARIO_").replace("_", "-") for name in image.enum("scenario_id")}
    assert {scenario.name for scenario in offered(image)} == known - {"NR-SCENARIOS"} == set(CATALOGUE)


def test_designs_and_variants_are_the_guests(image: Image) -> None:
    designs = {name.removeprefix("DESIGN_").replace("_", "-") for name in image.enum("design_id")}
    variants = {name.removeprefix("VARIANT_").replace("_", "-") for name in image.enum("variant_bit")}
    assert set(DESIGNS) == designs - {"NR-DESIGNS"}
    assert set(VARIANTS) == variants - {"NR-VARIANTS"}


def test_every_variant_is_offered_somewhere() -> None:
    offered_variants = {
        name for scenario in CATALOGUE.values() for design in scenario.designs for name in variants_of(scenario, design)
    }
    assert offered_variants == set(VARIANTS)


def test_sentences_are_quoted_word_for_word() -> None:
    for scenario in CATALOGUE.values():
        for sentence in scenario.sentences:
            assert sentence in PATCH


def test_together_the_scenarios_show_every_sentence_that_claims_something() -> None:
    shown = {sentence for scenario in CATALOGUE.values() for sentence in scenario.sentences}
    claims = {value for name, value in vars(sentences).items() if name.isupper()}
    assert shown == claims


def test_the_defaults_are_the_patchs_design_and_the_scenarios_cpus(image: Image) -> None:
    assert resolve(image, "first-call") == RunSpec("first-call", "thread", (), FetchModel.COHERENT, 1)
    assert resolve(image, "patch-live").cpus == 2
    assert resolve(image, "two-sites", cpus=4).cpus == 4


def test_variants_are_put_in_one_order_and_named_once(image: Image) -> None:
    asked = ("rsp-8", "no-gap", "rsp-8")
    assert resolve(image, "stack-room", "gap", asked).variants == ("no-gap", "rsp-8")


@pytest.mark.parametrize(("one", "other"), CONTRADICTIONS)
def test_contradictory_variants_are_refused_together(image: Image, one: str, other: str) -> None:
    for scenario in CATALOGUE.values():
        if {one, other} <= set(variants_of(scenario, "thread")):
            with pytest.raises(BadInput, match=f"{one} and {other} contradict"):
                resolve(image, scenario.name, "thread", (other, one))


@pytest.mark.parametrize(("scenario", "design"), [(s.name, design) for s in CATALOGUE.values() for design in s.designs])
def test_the_default_schedule_plays_the_scenario_to_its_end(image: Image, scenario: str, design: str) -> None:
    session = played(image, scenario, design)
    assert session.verdict is not None
    assert session.verdict.value in ("ok", "violated")
    assert session.reason == ""
    assert Counter(event.name for event in session.events)["int3"] >= 1


@pytest.mark.parametrize(("scenario", "design"), [(s.name, design) for s in CATALOGUE.values() for design in s.designs])
def test_every_variant_changes_what_is_done(image: Image, scenario: str, design: str) -> None:
    plain = what_is_done(played(image, scenario, design))
    for variant in variants_of(CATALOGUE[scenario], design):
        assert what_is_done(played(image, scenario, design, variant)) != plain, variant


def what_is_done(session: Session) -> tuple[object, ...]:
    """Which instructions run in which order, and with which RSP a trap is taken."""
    frames = [event.frame.sp for event in session.events if isinstance(event, FramePushed)]
    return session.trace.code_table, session.trace.columns.code.tolist(), frames
