"""Lines of code that are too long for where they are drawn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trapscope.figure.type import fold

LINE = "    report.verdict = scenario->ok() ? VERDICT_ok : VERDICT_bad;"


def test_a_line_goes_on_below_further_in() -> None:
    assert fold(LINE, 40) == ["    report.verdict = scenario->ok() ?", "        VERDICT_ok : VERDICT_bad;"]
    assert fold("WRITE_ONCE(stack->slots[slot],x)", 20) == ["WRITE_ONCE(stack->", "    slots[slot],x)"]
    assert fold("    return 0;", 40) == ["    return 0;"]


@given(st.text(alphabet="ab ->([,", max_size=120), st.integers(16, 60))
def test_every_piece_fits_and_nothing_but_blanks_is_lost(text: str, columns: int) -> None:
    pieces = fold(text, columns)

    assert all(len(piece) <= columns for piece in pieces)
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")
