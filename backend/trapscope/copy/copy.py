"""Messages with what goes into them, as texts; and what is said of places rather than of events.

https://projectfluent.org/fluent/guide: `fluent.runtime` reads the same files as `@fluent/bundle` does in the browser.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from fluent.runtime import FluentBundle, FluentResource

_LANGUAGE: Final = "en"
_STORY: Final = "story.ftl"
_PLACES: Final = "places.json"


class Copy:
    """One language's words: `story` is a Fluent file, `places` say what is told of which function and instruction."""

    def __init__(self, language: str, story: str, places: str) -> None:
        self._bundle = FluentBundle([language], use_isolating=False)
        self._bundle.add_resource(FluentResource(story))
        told = json.loads(places)
        self._notes = [(re.compile(n["in"]), re.compile(n["insn"]), n["says"]) for n in told["notes"]]

    def has(self, id_: str) -> bool:
        """Whether there is such a message."""
        return bool(self._bundle.has_message(id_))

    def say(self, id_: str, args: Mapping[str, str | int] | None = None) -> str:
        """The message; raises KeyError where there is none, ValueError where something that goes into it is missing."""
        pattern = self._bundle.get_message(id_).value
        if pattern is None:
            raise KeyError(id_)
        text, errors = self._bundle.format_pattern(pattern, dict(args or {}))
        if errors:
            raise ValueError(f"{id_}: {errors[0]}")
        return str(text)

    def of_place(self, function: str, insn: str) -> str | None:
        """The message of an instruction that deserves one of its own, or of its function; None where there is none."""
        for inside, instruction, says in self._notes:
            if inside.search(function) and instruction.search(insn):
                return str(says)
        return f"role-{function}" if self.has(f"role-{function}") else None


@cache
def english() -> Copy:
    """The words there are."""
    return Copy(_LANGUAGE, _text(f"{_LANGUAGE}/{_STORY}"), _text(_PLACES))


def generated() -> str:
    """The same as a module of TypeScript, for the page."""
    story, places = _text(f"{_LANGUAGE}/{_STORY}"), json.loads(_text(_PLACES))
    quoted = story.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${")
    return (
        "/** Made by `make generate` from backend/trapscope/copy; a change here is lost. */\n\n"
        f'export const LANGUAGE = "{_LANGUAGE}";\n\n'
        f"export const STORY = `{quoted}`;\n\n"
        f"export const PLACES = {json.dumps(places, indent=2)} as const;\n"
    )


def _text(name: str) -> str:
    return (files("trapscope.copy") / name).read_text("utf-8")
