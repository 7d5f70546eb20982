"""A row says by which schedule its run can be made again, and what hash it has."""

from __future__ import annotations

import pytest

from trapscope.core.image import Image
from trapscope.core.session import Session
from trapscope.core.session.catalogue import resolve
from trapscope.matrix.expectations import EXPECTATIONS
from trapscope.matrix.look import look
from trapscope.matrix.policy import run_out
from trapscope.matrix.row import Row, Sweep

ONE_RUN = [row for row in EXPECTATIONS if row.sweep is Sweep.ONCE]


@pytest.mark.parametrize("row", ONE_RUN, ids=str)
def test_a_row_of_one_run_is_made_again_by_its_schedule(image: Image, row: Row) -> None:
    got = look(image, row)
    again = Session(
        image,
        resolve(image, row.scenario, row.design, row.variants, row.fetch, got.cpus),
        max_steps=max(row.max_steps, got.steps),
    )
    again.feed(got.schedule)
    run_out(again)
    again.finish()
    assert (again.hash, again.schedule) == (got.hash, got.schedule)
