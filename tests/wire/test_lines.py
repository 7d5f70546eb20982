"""Every line of a trace is what the published JSON Schema says, and a line that is not is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.core.lens.played import played
from trapscope.cli import main
from trapscope.core.image import Image
from trapscope.core.lens import EVENT_NAMES
from trapscope.core.session.catalogue import DEFAULT_DESIGN
from trapscope.core.session.scenarios import SCENARIOS
from trapscope.wire import jsonl, lines

FORMATS_PAGE = Path(__file__).resolve().parents[2] / "docs" / "formats.md"
VALIDATOR = Draft202012Validator(lines.document())
#: Runs beside the scenarios' own that raise what those do not, or end otherwise.
OTHERS = [
    ("first-call", "gap", (), "", "coherent"),
    ("livepatch-window", "skip", (), "", "coherent"),
    ("stack-room", "gap", ("no-gap",), "", "coherent"),
    ("torn", "thread", ("no-sync-1",), "", "weak"),
    ("first-call", "thread", (), "0*40 irq@0 0*200 mce@0 0*", "coherent"),
]

Line = dict[str, Any]


def lines_of(image: Image, scenario: str, design: str = DEFAULT_DESIGN) -> Iterator[Line]:
    return map(json.loads, jsonl.lines(played(image, scenario, design)))


def refused(line: Line) -> list[str]:
    """What is wrong with a line, innermost."""
    return [error.message for error in VALIDATOR.iter_errors(line)]


@pytest.mark.parametrize("scenario", [scenario.name for scenario in SCENARIOS])
def test_every_line_of_every_scenario_is_as_the_schema_says(image: Image, scenario: str) -> None:
    for line in lines_of(image, scenario):
        assert VALIDATOR.is_valid(line), (line, refused(line))


@pytest.mark.parametrize(("scenario", "design", "variants", "schedule", "fetch"), OTHERS)
def test_so_is_every_line_of_runs_that_go_otherwise(
    image: Image, scenario: str, design: str, variants: tuple[str, ...], schedule: str, fetch: str
) -> None:
    session = played(image, scenario, design, *variants, schedule=schedule, fetch=fetch)
    for line in map(json.loads, jsonl.lines(session)):
        assert VALIDATOR.is_valid(line), (line, refused(line))


def test_the_schema_is_one_and_says_what_every_event_looks_like() -> None:
    document = lines.document()
    Draft202012Validator.check_schema(document)
    assert document["$defs"]["EventLine"]["properties"]["event"]["enum"] == list(EVENT_NAMES)
    assert document["properties"]["type"]["enum"] == [
        "header",
        "state",
        "memory",
        "check",
        "held",
        "end",
        "step",
        "event",
    ]


def changed(line: Line, **fields: Any) -> Line:
    return {name: value for name, value in {**line, **fields}.items() if value is not ...}


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("header", {"format": 1}, "2 was expected"),
        ("header", {"guest": "0xab"}, "does not match"),
        ("state", {"regs": {"rax": "0x0"}}, "'rbx' is a required property"),
        ("step", {"rip": "0xFFFF"}, "does not match"),
        ("step", {"rip": "0x00ff"}, "does not match"),
        ("step", {"rip": 4096}, "is not of type 'string'"),
        ("step", {"n": "0"}, "is not of type 'integer'"),
        ("step", {"n": -1}, "less than the minimum"),
        ("step", {"bytes": "c"}, "does not match"),
        ("step", {"bytes": ...}, "'bytes' is a required property"),
        ("step", {"vector": 3}, "unexpected"),
        ("step", {"kind": "micro"}, "is not one of"),
        ("step", {"regs": {"eax": "0x0"}}, "is not one of"),
        ("step", {"writes": [{"addr": "0x0", "old": "00"}]}, "'new' is a required property"),
        ("event", {"event": "eleven"}, "is not one of"),
        ("event", {"colour": "red"}, "unexpected"),
        ("event", {"context": "syscall"}, "is not one of"),
        ("end", {"verdict": "fine"}, "is not one of"),
        ("end", {"type": "ende"}, "is not one of"),
        ("end", {"type": ...}, "'type' is a required property"),
    ],
)
def test_a_wrong_line_is_refused_for_what_is_wrong(image: Image, kind: str, fields: Line, says: str) -> None:
    right = next(
        line
        for line in lines_of(image, "first-call")
        if line["type"] == kind and (kind != "event" or "context" in line)
    )
    assert refused(right) == []
    wrong = refused(changed(right, **fields))
    assert any(says in complaint for complaint in wrong), wrong


def test_an_error_code_is_told_or_left_out_but_never_null(image: Image) -> None:
    delivery = next(line for line in lines_of(image, "first-call") if line.get("kind") == "delivery")
    assert refused(changed(delivery, error_code="0x18")) == []
    assert refused(changed(delivery, error_code=None))


def test_the_command_line_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--jsonl"]) == 0
    assert json.loads(capsys.readouterr().out) == lines.document()


def test_the_lines_in_the_documentation_are_whole_lines_of_every_type(image: Image) -> None:
    (block,) = re.findall(r"```jsonl\n(.*?)```", FORMATS_PAGE.read_text(encoding="utf-8"), re.DOTALL)
    told = [json.loads(line) for line in block.splitlines()]
    assert [refused(line) for line in told] == [[]] * len(told)
    assert {line["type"] for line in told} == {"header", "memory", "step", "event", "check", "end"}
    run = {(line["type"], *line) for line in lines_of(image, "first-call")}
    assert [line for line in told if (line["type"], *line) not in run] == []
