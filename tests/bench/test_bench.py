"""The benchmark through its door; no time is asserted, only what does not depend on the machine."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from trapscope.bench.clock import percentile_99
from trapscope.bench.entry import Entry
from trapscope.bench.figures import require_same_instructions
from trapscope.bench.measured import Bound, Figure, Samples, ratio
from trapscope.bench.peer_hook import PlainHooks
from trapscope.core.image import Image
from trapscope.core.session.catalogue import CATALOGUE


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    command = [sys.executable, "-m", "trapscope", "bench", "--json", "--repeats", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_the_four_ratios_are_named_and_each_says_both_sides(told: dict[str, Any]) -> None:
    names = ("ratio_qemu_one_cpu", "ratio_qemu_quantum_1", "ratio_reg_read", "ratio_checks_on")
    figures = {figure["name"]: figure for figure in told["figures"]}
    for name in names:
        figure = figures[name]
        assert told[name] == figure["median"] > 0
        assert all(side["min"] <= side["median"] <= side["max"] for side in (figure["ours"], figure["peer"]))
        assert told[name] == pytest.approx(_quotient(figure), rel=1e-6)


def _quotient(figure: dict[str, Any]) -> float:
    """The ratio again, from the rates of both sides."""
    ours, peer = float(figure["ours"]["median"]), float(figure["peer"]["median"])
    return peer / ours if figure["name"] == "ratio_checks_on" else ours / peer


def test_no_scenario_takes_more_than_12_bytes_a_step_nor_3_deflated(told: dict[str, Any]) -> None:
    assert 0 < told["bytes_deflated"] <= 3 < told["bytes_raw"] <= 12
    parts = [figure["parts"] for figure in told["figures"] if figure["name"].startswith("bytes_")]
    assert [set(each) for each in parts] == [set(CATALOGUE), set(CATALOGUE)]


def test_a_session_of_20000_steps_takes_less_than_15_mib_of_an_engine_process(told: dict[str, Any]) -> None:
    assert 0 < told["session_memory"] < 15


def test_seeks_and_every_kind_of_query_are_measured(told: dict[str, Any]) -> None:
    seeks = {name for name in told if name.startswith("seek_")}
    queries = {name for name in told if name.startswith("query_")}
    assert seeks == {"seek_2000", "seek_20000", "seek_200000", "seek_2000000"}
    assert {"query_why", "query_events", "query_last_write", "query_next_execution", "query_last_change"} < queries


def test_a_plain_hook_sees_the_instructions_that_are_recorded(image: Image) -> None:
    entry = Entry.of(image, "first-call")
    count = entry.steps_without_delivery
    hooks = PlainHooks(entry.ram, entry.rip)
    hooks.run(count)
    assert [(rip, code) for rip, code, _ in hooks.steps] == [(step.rip, step.code) for step in entry.recorded[:count]]
    written = {(step, address) for step, address, _, _, _ in hooks.stores}
    ours = {(step.moment, write.addr) for step in entry.recorded[:count] for write in step.writes}
    assert ours <= written


def test_a_peer_that_stepped_something_else_is_noticed(image: Image) -> None:
    entry = Entry.of(image, "first-call")
    rips = entry.rips(50)
    require_same_instructions(entry, rips)
    with pytest.raises(ValueError, match="other instructions"):
        require_same_instructions(entry, (*rips[:-1], rips[-1] + 1))


def test_a_figure_holds_by_its_median_on_the_side_that_is_good() -> None:
    value = Samples.of([1.0, 3.0, 2.0])
    assert value == (2.0, 1.0, 3.0)
    assert value.noise == 1.0
    assert Figure("f", "", value, "×", Bound.AT_LEAST, 2).holds
    assert not Figure("f", "", value, "×", Bound.AT_LEAST, 2.1).holds
    assert not Figure("f", "", value, "×", Bound.AT_MOST, 1.9).holds


def test_a_ratio_is_of_the_medians_and_its_spread_of_the_pairs() -> None:
    pairs = [(10.0, 1.0), (12.0, 2.0), (20.0, 4.0)]
    slow, fast = (Samples.of([pair[side] for pair in pairs]) for side in (0, 1))
    assert ratio(slow, fast, pairs) == (6.0, 5.0, 10.0)


def test_99_of_100_do_not_exceed_the_99th_percentile() -> None:
    assert percentile_99([float(value) for value in range(1, 101)]) == 99.0
    assert percentile_99([7.0]) == 7.0
