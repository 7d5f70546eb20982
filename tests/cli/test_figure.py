"""`trapscope figure`: a moment by its number or its event, in a file that is there whole."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from trapscope.cli import main
from trapscope.cli.arguments import FIGURE_PARTS
from trapscope.figure import PARTS


def test_an_event_names_the_moment_behind_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "figure.svg"
    assert main(["figure", "first-call", "--at", "frame-rewritten", "--out", str(out)]) == 0
    assert capsys.readouterr().out == ""
    assert main(["figure", "first-call", "--at", "296"]) == 0
    assert capsys.readouterr().out == out.read_text(encoding="utf-8")
    assert "moment 296 of 748" in (ElementTree.parse(out).getroot().findtext("{http://www.w3.org/2000/svg}title") or "")


def test_a_moment_of_a_run_that_goes_wrong_can_be_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    choice = ["figure", "livepatch-window", "--design", "skip", "--theme", "dark", "--at", "old-body-ran"]
    assert main(choice) == 0
    assert "Violated: " in capsys.readouterr().out


def test_every_part_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert FIGURE_PARTS == PARTS
    for part in PARTS:
        assert main(["figure", "first-call", "--at", "0", "--part", part]) == 0
        ElementTree.fromstring(capsys.readouterr().out)
