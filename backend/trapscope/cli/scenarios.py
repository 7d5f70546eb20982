"""`trapscope scenarios`: what this guest can run."""

from __future__ import annotations

import argparse
import json
import textwrap
from typing import Any, Final

from trapscope import assets
from trapscope.core.image import Image
from trapscope.core.session.catalogue import VARIANTS, offered, variants_of
from trapscope.core.session.scenarios import Scenario

_WIDTH: Final = 96
_INDENT: Final = " " * 4


def list_scenarios(arguments: argparse.Namespace) -> int:
    """Every scenario that the guest implements."""
    found = offered(Image.from_bytes(assets.guest_elf()))
    if arguments.json:
        print(json.dumps({"scenarios": [_object(scenario) for scenario in found]}, indent=2, ensure_ascii=False))
    else:
        print("\n\n".join(_text(scenario) for scenario in found))
    return 0


def _object(scenario: Scenario) -> dict[str, Any]:
    return {
        "name": scenario.name,
        "title": scenario.title,
        "question": scenario.question,
        "introduction": scenario.introduction,
        "sentences": list(scenario.sentences),
        "designs": {design: list(variants_of(scenario, design)) for design in scenario.designs},
        "variants": {name: VARIANTS[name].what for name in VARIANTS if name in scenario.variants},
        "cpus": scenario.cpus,
        "most_cpus": scenario.most_cpus,
        "schedules": {design: scenario.schedule_under(design) for design in scenario.designs},
    }


def _text(scenario: Scenario) -> str:
    most = "" if scenario.most_cpus == scenario.cpus else f" to {scenario.most_cpus}"
    facts = [
        ("designs", ", ".join(scenario.designs)),
        ("cpus", f"{scenario.cpus}{most}"),
        ("schedule", scenario.schedule),
    ]
    facts += [("", f"{schedule} ({design})") for design, schedule in scenario.schedules.items()]
    lines = [f"{scenario.name}: {scenario.title}", _wrapped(scenario.question), _wrapped(scenario.introduction)]
    lines += [f"{_INDENT}{name:9} {value}" for name, value in facts]
    for name in VARIANTS:
        under = [design for design in scenario.designs if name in variants_of(scenario, design)]
        if under:
            where = "" if under == list(scenario.designs) else f" ({', '.join(under)})"
            lines.append(f"{_INDENT}variant   {name}: {VARIANTS[name].what}{where}")
    return "\n".join(lines)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
