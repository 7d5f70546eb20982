"""A token bucket on a clock that the test moves."""

from __future__ import annotations

from trapscope.server.bucket import Bucket


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_and_then_no_more() -> None:
    bucket = Bucket(per_second=2, burst=3, clock=Clock())
    assert [bucket.take() for _ in range(5)] == [True, True, True, False, False]


def test_time_refills_it_up_to_the_burst() -> None:
    clock = Clock()
    bucket = Bucket(per_second=2, burst=3, clock=clock)
    while bucket.take():
        pass
    clock.now += 0.5
    assert [bucket.take() for _ in range(2)] == [True, False]
    clock.now += 1000
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]


def test_it_can_be_forgotten_when_it_is_full_again() -> None:
    clock = Clock()
    bucket = Bucket(per_second=1, burst=2, clock=clock)
    bucket.take()
    assert not bucket.is_full
    clock.now += 1
    assert bucket.is_full
