"""`trapscope check`, as programs read it."""

from __future__ import annotations

import json

import pytest

from trapscope.cli import main


def test_every_line_for_programs_is_an_object_and_the_last_is_of_qemu(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "first-call", "--qemu", "--format", "jsonl"]) == 0
    *rows, qemu = map(json.loads, capsys.readouterr().out.splitlines())
    assert rows
    assert all(row["scenario"] == "first-call" and row["agrees"] for row in rows)
    assert qemu["peer"] == "QEMU"
    assert qemu["differences"] == []
    assert qemu["instructions"] > 1000
    assert min(qemu["runs"], qemu["deliveries"], qemu["words"]) > 0
