"""A line of the server's log is one JSON object."""

from __future__ import annotations

import json
import logging
import sys

from trapscope.server.journal import JsonLines


def line(**extra: object) -> dict[str, object]:
    record = logging.makeLogRecord({"name": "trapscope.server", "levelname": "INFO", "msg": "said %s", "args": ("it",)})
    vars(record).update(extra)
    text = JsonLines().format(record)
    assert "\n" not in text
    made = json.loads(text)
    assert isinstance(made, dict)
    return made


def test_what_came_with_a_record_is_in_its_line() -> None:
    made = line(session="abc", ms=1.5)
    assert (made["said"], made["level"], made["session"], made["ms"]) == ("said it", "info", "abc", 1.5)
    assert str(made["at"]).endswith("+00:00")


def test_a_traceback_stays_on_its_line() -> None:
    try:
        raise ValueError("broken\nin two")
    except ValueError:
        made = line(exc_info=sys.exc_info())
    assert "ValueError: broken" in str(made["trace"])


def test_what_json_does_not_know_is_told_as_text() -> None:
    assert line(what={1, 2}.__class__)["what"] == "<class 'set'>"
