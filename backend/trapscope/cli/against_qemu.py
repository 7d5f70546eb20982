"""`trapscope check --qemu`: one-CPU runs stepped beside QEMU, where it is installed."""

from __future__ import annotations

import json
from collections import Counter

from trapscope import assets
from trapscope.cli.progress import Progress
from trapscope.core.errors import BadInput
from trapscope.core.image import Image
from trapscope.core.session.catalogue import CATALOGUE
from trapscope.core.types import RunSpec
from trapscope.oracle import Disagreement, Qemu, compare, qemu_program, record
from trapscope.oracle.runs import one_cpu_runs


def require_qemu() -> None:
    """Raises BadInput where QEMU is missing."""
    if qemu_program() is None:
        raise BadInput("--qemu needs qemu-system-x86_64, which is not installed (Debian: qemu-system-x86, seabios)")


def compare_all(scenarios: set[str], *, jsonl: bool) -> bool:
    """Compare every one-CPU run of these scenarios and print what was compared; whether QEMU agreed with all."""
    elf = assets.guest_elf()
    image = Image.from_bytes(elf)
    specs = [spec for spec in one_cpu_runs() if spec.scenario in scenarios]
    progress, tally, differences = Progress(), Counter[str](), list[str]()
    try:
        for done, spec in enumerate(specs, 1):
            recording = record(image, spec, CATALOGUE[spec.scenario].schedule_under(spec.design))
            try:
                with Qemu(image, elf, recording.params) as qemu:
                    result = compare(image, recording, qemu)
            except Disagreement as difference:
                differences.append(f"{_named(spec)}: {difference}")
                continue
            tally["instructions"] += result.instructions
            tally["deliveries"] += result.deliveries
            tally["words"] += result.words
            tally.update(result.allowed)
            progress.rows(done, len(specs))
    finally:
        progress.done()
    known = {what: count for what, count in tally.items() if what not in _COUNTED}
    if jsonl:
        counts = {what: tally[what] for what in _COUNTED}
        print(json.dumps({"peer": "QEMU", "runs": len(specs), **counts, "differences": differences, "known": known}))
        return not differences
    for what in differences:
        print(f"NOT {what}")
    allowed = ", ".join(f"{count} × {what}" for what, count in known.items()) or "none"
    print(
        f"QEMU: {len(specs)} runs, {tally['instructions']:,} instructions, {tally['deliveries']:,} deliveries and "
        f"{tally['words']:,} written words compared; {len(differences)} differences; QEMU's known ones: {allowed}"
    )
    return not differences


_COUNTED = ("instructions", "deliveries", "words")


def _named(spec: RunSpec) -> str:
    return " ".join((spec.scenario, spec.design, *spec.variants))
