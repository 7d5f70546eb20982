"""What each CPU would decode at the sites, told whenever that changes: the weak fetch model only.

A CPU of which nothing was told would decode what memory holds; from then on, what was told last.
"""

from __future__ import annotations

from trapscope.core.lens.events import Event, FetchViewChanged
from trapscope.core.lens.text import Text
from trapscope.core.machine import View


class FetchViews:
    """The bytes last told, by CPU and site."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._told: dict[tuple[int, int], bytes] = {}

    def changed(self, view: View, moment: int) -> list[Event]:
        """The events of a change behind the step `moment`, whose stores `text` has seen."""
        events: list[Event] = []
        for site in self._text.sites.values():
            seen = bytearray(site.memory)
            for at in range(len(seen)):
                seen[at] = view.stale.get(site.address + at, seen[at])
            key, code = (view.cpu, site.address), bytes(seen)
            if code == self._told.get(key, site.memory):
                continue
            self._told[key] = code
            stale = tuple(at for at, byte in enumerate(code) if byte != site.memory[at])
            place = site.place
            events.append(
                FetchViewChanged(moment, view.cpu, site.address, place.name, place.kind, code, stale, view.cause)
            )
        return events
