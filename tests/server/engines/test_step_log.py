"""Where somebody goes on who has some of the log already."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trapscope.server.engines.step_log import LogChunk, StepLog


def log_of(*counts: int) -> StepLog:
    log = StepLog()
    for count in counts:
        log.append(LogChunk(log.steps, count, 64, "{}", b"frame", 0))
    return log


@pytest.mark.parametrize(
    ("have", "chunk", "first"), [(0, 0, 0), (63, 0, 0), (64, 1, 64), (100, 1, 64), (192, 2, 192), (9999, 2, 192)]
)
def test_reading_goes_on_at_the_last_boundary_not_behind_what_one_has(have: int, chunk: int, first: int) -> None:
    assert log_of(64, 128).locate(have) == (chunk, first)


def test_the_end_of_the_run_is_told_again_to_whoever_has_every_step() -> None:
    log = log_of(64, 0)
    assert log.locate(64) == (1, 64)
    assert log.locate(63) == (0, 0)


@given(st.lists(st.integers(0, 5), max_size=8), st.integers(0, 50))
def test_nobody_misses_a_step_and_nothing_is_skipped(counts: list[int], have: int) -> None:
    log = log_of(*counts)
    index, first = log.locate(have)
    assert first <= have
    assert first == sum(counts[:index])
    following = [count for count in counts[index:] if count]
    assert not following or first + following[0] > min(have, log.steps)


def test_a_chunk_that_does_not_follow_is_refused() -> None:
    log = log_of(64)
    with pytest.raises(ValueError, match="does not follow"):
        log.append(LogChunk(65, 1, 64, "{}", b"", 0))


def test_it_knows_its_size() -> None:
    assert log_of(1, 1).bytes == 2 * (len("{}") + len(b"frame"))
