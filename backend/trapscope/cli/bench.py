"""`trapscope bench`: every figure next to its peer, ratios first."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from trapscope import assets
from trapscope.bench.figures import figures
from trapscope.bench.host import host
from trapscope.bench.measured import Figure, Samples
from trapscope.cli.progress import Progress
from trapscope.core.errors import BadInput
from trapscope.core.image import Image
from trapscope.oracle import qemu_program


def bench(arguments: argparse.Namespace) -> int:
    """0 only if every figure is as wanted. Raises BadInput where QEMU is missing, which is the peer."""
    if qemu_program() is None:
        raise BadInput("bench needs qemu-system-x86_64 to measure against (Debian: qemu-system-x86, seabios)")
    elf = assets.guest_elf()
    progress, measured = Progress(), []
    if not arguments.json:
        print(f"{host()}; medians of {arguments.repeats}, least and most in brackets\n")
    try:
        for figure in figures(Image.from_bytes(elf), elf, arguments.repeats, progress.doing):
            measured.append(figure)
            if not arguments.json:
                progress.done()
                print(_line(figure))
    finally:
        progress.done()
    if arguments.json:
        json.dump(_object(measured, arguments.repeats), sys.stdout, indent=1)
        print()
    return 0 if all(figure.holds for figure in measured) else 1


def _line(figure: Figure) -> str:
    mark = "ok  " if figure.holds else "NOT "
    line = f"{mark}{_samples(figure.value, figure.unit)}  {figure.what}; {figure.bound.value} {figure.wanted:.3g}"
    if figure.ours is not None and figure.peer is not None:
        line += f"\n         {_samples(figure.ours, figure.each)} against {_samples(figure.peer, figure.each)}"
    if figure.parts:
        line += "\n         " + ", ".join(f"{name} {_number(value)}" for name, value in figure.parts.items())
    return line


def _samples(samples: Samples, unit: str) -> str:
    median, least, most = (_number(value) for value in samples)
    return f"{median} {unit} [{least}–{most}]"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _object(measured: list[Figure], repeats: int) -> dict[str, Any]:
    """Ratios and everything else by name, as medians; under `figures` with all that is known of each."""
    told: dict[str, Any] = {"host": host(), "repeats": repeats}
    told |= {figure.name: figure.value.median for figure in measured}
    told["figures"] = [
        {
            "name": figure.name,
            "what": figure.what,
            "unit": figure.unit,
            **_spread(figure.value),
            "wanted": f"{figure.bound.value} {figure.wanted:.3g}",
            "holds": figure.holds,
            "ours": None if figure.ours is None else {"unit": figure.each, **_spread(figure.ours)},
            "parts": figure.parts,
            "peer": None if figure.peer is None else {"unit": figure.each, **_spread(figure.peer)},
        }
        for figure in measured
    ]
    return told


def _spread(samples: Samples) -> dict[str, float]:
    return {"median": samples.median, "min": samples.least, "max": samples.most, "noise": samples.noise}
