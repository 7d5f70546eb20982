"""`trapscope check`: every scenario under every design and variant, what was expected against what came."""

from __future__ import annotations

import argparse
import gc
import json
import os
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from functools import cache
from typing import Final

from trapscope import assets
from trapscope.cli.against_qemu import compare_all, require_qemu
from trapscope.cli.progress import Progress
from trapscope.core.errors import BadInput
from trapscope.core.image import Image
from trapscope.matrix.expectations import EXPECTATIONS
from trapscope.matrix.look import look
from trapscope.matrix.row import Got, Row, Sweep

_LONGEST_FIRST: Final = {
    Sweep.RANDOM: 0,
    Sweep.EVERY_HANDLER_BOUNDARY: 1,
    Sweep.EVERY_STUB_BOUNDARY: 2,
    Sweep.QUANTA: 3,
}


def check(arguments: argparse.Namespace) -> int:
    """0 only if every row came as expected."""
    if arguments.qemu:
        require_qemu()
    rows = _chosen(tuple(arguments.scenario), everything=arguments.all)
    got = _look_at(rows)
    for row in rows:
        print(_json(got[row]) if arguments.format == "jsonl" else _text(got[row]))
    wrong = sum(not one.agrees for one in got.values())
    agreed = wrong == 0
    if arguments.format == "text":
        runs, steps = (sum(getattr(one, what) for one in got.values()) for what in ("runs", "steps"))
        print(f"{len(rows)} rows, {runs:,} runs, {steps:,} steps: " + ("all as expected" if agreed else f"{wrong} not"))
    if arguments.qemu:
        jsonl = arguments.format == "jsonl"
        agreed = compare_all({row.scenario for row in rows}, jsonl=jsonl) and agreed
    return 0 if agreed else 1


def _chosen(scenarios: tuple[str, ...], *, everything: bool) -> tuple[Row, ...]:
    known = sorted({row.scenario for row in EXPECTATIONS})
    for name in scenarios:
        if name not in known:
            raise BadInput(f"nothing is expected of a scenario “{name}”; there are {', '.join(known)}")
    if not scenarios and not everything:
        raise BadInput("name the scenarios to check, or say --all")
    return tuple(row for row in EXPECTATIONS if everything or row.scenario in scenarios)


def _look_at(rows: tuple[Row, ...]) -> dict[Row, Got]:
    """Every row's outcome; the long ones are begun first, in as many processes as there are CPUs."""
    progress, got = Progress(), {}
    with ProcessPoolExecutor(os.cpu_count(), initializer=_collect_seldom) as workers:
        order = sorted(rows, key=lambda row: _LONGEST_FIRST.get(row.sweep, len(_LONGEST_FIRST)))
        futures: dict[Future[Got], Row] = {workers.submit(_look, row): row for row in order}
        try:
            for done, future in enumerate(as_completed(futures), 1):
                got[futures[future]] = future.result()
                progress.rows(done, len(rows))
        finally:
            progress.done()
            workers.shutdown(cancel_futures=True)
    return got


def _collect_seldom() -> None:
    """Recording makes millions of small values and few cycles; the collector would look at them all, for nothing."""
    gc.set_threshold(200_000, 20, 100)


@cache
def _image() -> Image:
    return Image.from_bytes(assets.guest_elf())


def _look(row: Row) -> Got:
    return look(_image(), row)


def _text(got: Got) -> str:
    mark = "ok  " if got.agrees else "NOT "
    return "\n".join(
        [f"{mark}{got.row}: {got.summary} — {got.row.why}", *(f"      {line}" for line in got.differences)]
    )


def _json(got: Got) -> str:
    row = got.row
    facts: dict[str, object] = {
        "scenario": row.scenario,
        "design": row.design,
        "variants": list(row.variants),
        "fetch": row.fetch.value,
        "cpus": got.cpus,
        "sweep": row.sweep.value,
        "expected": row.verdict.value,
        "why": row.why,
        "agrees": got.agrees,
        "runs": got.runs,
        "steps": got.steps,
        "got": got.summary,
        "differences": list(got.differences),
        "schedule": got.schedule,
        "hash": got.hash,
    }
    if row.points:
        facts["seeds"] = [row.points.start, row.points.stop - 1]
    return json.dumps(facts, ensure_ascii=False)
