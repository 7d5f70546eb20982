"""The notes of a run, whatever pieces they are made and taken in."""

from __future__ import annotations

import hashlib
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from trapscope.core.errors import EmulatorUnfit
from trapscope.core.machine.engine import Engine
from trapscope.core.machine.recorder import _library
from trapscope.core.machine.registers import ROWS
from trapscope.core.types import KERNEL_MAP, RAM_BASE, RFLAGS, RIP, RSP, Step

TEXT = KERNEL_MAP + RAM_BASE


LOOP = bytes.fromhex("48ffc0 50 5b ebf9")  # 1: inc rax; push rax; pop rbx; jmp 1b


def standing_at(code: bytes) -> Engine:
    engine = Engine((TEXT, TEXT + 0x1000), 1, lambda _offset, _size: 0, lambda _offset, _size, _value: None)
    engine.set_registers([(RIP, TEXT), (RSP, TEXT + 0x9000), (RFLAGS, 2)])
    engine.memory.store(TEXT, code)
    return engine


def looped(steps: int, piece: int) -> list[Step]:
    """So many steps of the loop, run in such pieces, taken whenever the journal is full."""
    engine = standing_at(LOOP)
    taken: list[Step] = []
    left = steps
    while left:
        if engine.is_full:
            taken += engine.journal.take(len(taken)).steps()
        left -= engine.run(min(piece, left)).retired
    return taken + engine.journal.take(len(taken)).steps()


@pytest.mark.parametrize("piece", [1, 97, ROWS - 1, 3 * ROWS])
def test_a_run_is_the_same_in_whatever_pieces_and_longer_than_the_rows(piece: int) -> None:
    steps = looped(2 * ROWS + 100, piece)
    assert [step.moment for step in steps] == list(range(2 * ROWS + 100))
    assert [step.code.hex() for step in steps[-4:]] == ["48ffc0", "50", "5b", "ebf9"]
    count = len(steps) // 4
    assert steps[-2].regs[0].new == count
    assert [int.from_bytes(step.writes[0].new, "little") for step in steps[1::4]] == list(range(1, count + 1))


def test_an_instruction_that_stores_and_then_faults_leaves_no_store() -> None:
    engine = standing_at(bytes.fromhex("6a07 48c7042500000000 01000000"))  # push 7; mov qword [0], 1
    result = engine.run(8)
    assert result.retired == 1
    assert engine.journal.stored(0) == [(0, TEXT + 0x9000 - 8, 8, 0, 7)]


def test_a_machine_of_another_kind_is_told_that_there_is_no_recorder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "pdp11")
    with pytest.raises(EmulatorUnfit, match="no recorder for pdp11"):
        _library.__wrapped__()


def test_the_recorder_is_built_to_the_same_bytes_anywhere(tmp_path: Path) -> None:
    digests = []
    for folder in ("here", "there"):
        build = [sys.executable, "backend/recorder/build.py", "--out", str(tmp_path / folder)]
        subprocess.run(build, check=True, capture_output=True)
        made = sorted((tmp_path / folder).iterdir())
        digests.append([(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in made])
    assert digests[0] == digests[1]
    assert len(digests[0]) == 2
