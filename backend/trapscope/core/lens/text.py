"""The patch sites' bytes, from the stores that change them, and the patcher's passes.

A site's change begins with the first store to it and is over when `modifying_ftrace_code` is back at 0. Until then
both the old and the new instruction are legal there, and int3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from trapscope.core.lens.checks import torn_fetch
from trapscope.core.lens.dispatch import Dispatch
from trapscope.core.lens.events import PatchPhaseBegun, TextWritten
from trapscope.core.lens.kernel import Kernel, SitePlace, high_half
from trapscope.core.lens.record import Record
from trapscope.core.trace import State
from trapscope.core.types import Step, Write

INT3: Final = b"\xcc"
NOP5: Final = bytes.fromhex("0f1f440000")
CALL_OPCODE: Final = b"\xe8"
SITE_BYTES: Final = 5

_PASS_OF_PART: Final = {"breakpoint": "breakpoints", "tail": "tails", "first-byte": "first-bytes"}
_SYNC_AFTER: Final = {"breakpoints": "sync-1", "tails": "sync-2", "first-bytes": "sync-3"}


@dataclass(slots=True)
class Site:
    """One site: what memory holds, what it held before the change in progress, what it will hold after."""

    place: SitePlace
    memory: bytes
    old: bytes
    new: bytes

    @property
    def address(self) -> int:
        return self.place.address

    def store(self, offset: int, data: bytes) -> None:
        """Memory changes. The tail says what the instruction will be: the rest of a nop, or of a call."""
        self.memory = self.memory[:offset] + data + self.memory[offset + len(data) :]
        tail = self.memory[1:]
        if self.memory[:1] != INT3 or tail != self.old[1:]:
            self.new = NOP5 if tail == NOP5[1:] else CALL_OPCODE + tail

    def settle(self) -> None:
        """The change is over: what memory holds is the one legal instruction."""
        self.old = self.new = self.memory


class Text:
    """Every site by its address, followed from store to store."""

    def __init__(self, kernel: Kernel, dispatch: Dispatch, record: Record, start: State) -> None:
        self._kernel, self._record = kernel, record
        self.sites: dict[int, Site] = {}
        for place in kernel.sites:
            code = start.memory.read(place.address, SITE_BYTES)
            self.sites[place.address] = Site(place, code, code, code)
        self._phase = ""
        self.on_settled: list[Callable[[], None]] = []
        """Told whenever a change is over."""
        self._modifying = kernel.image.symbol("modifying_ftrace_code").address
        dispatch.watch(kernel.text.start, len(kernel.text), self._on_text)
        dispatch.watch(self._modifying, 4, self._on_modifying)
        dispatch.on_arrival(kernel.image.symbol("run_sync").address, self._on_sync)
        for site in self.sites.values():
            dispatch.on_execution(site.address, self._on_site)
            for offset in range(1, SITE_BYTES):
                dispatch.on_execution(site.address + offset, self._on_middle)

    def site_of(self, address: int) -> Site | None:
        """The site whose five bytes the address lies in."""
        for offset in range(SITE_BYTES):
            site = self.sites.get(address - offset)
            if site is not None:
                return site
        return None

    def _on_text(self, step: Step, write: Write, _after: State) -> None:
        address = high_half(write.addr)
        site = self.site_of(address)
        part, where = "other", 0
        if site is not None:
            where = site.address
            part = _part(address - where, write.new)
            site.store(address - where, write.new)
        self._enter(step, _PASS_OF_PART.get(part, ""))
        self._record.events.append(
            TextWritten(step.moment, step.cpu, address, self._kernel.name(address), where, part, write.old, write.new)
        )

    def _on_sync(self, step: Step, _after: State) -> None:
        self._enter(step, _SYNC_AFTER.get(self._phase, ""))

    def _on_modifying(self, step: Step, _write: Write, after: State) -> None:
        if after.memory.u32(self._modifying):
            return
        for site in self.sites.values():
            site.settle()
        for listener in self.on_settled:
            listener()
        if self._phase:
            self._enter(step, "done")
            self._phase = ""

    def _enter(self, step: Step, phase: str) -> None:
        if phase and phase != self._phase:
            self._phase = phase
            self._record.events.append(PatchPhaseBegun(step.moment, step.cpu, phase))

    def _on_site(self, step: Step, _after: State) -> None:
        site = self.sites[step.rip]
        if detail := torn_fetch.at_site(site.place.name, step.code, site.old, site.new):
            self._record.breach("no-torn-fetch", detail)

    def _on_middle(self, step: Step, _after: State) -> None:
        site = self.site_of(step.rip)
        assert site is not None
        self._record.breach(
            "no-torn-fetch", torn_fetch.inside_site(site.place.name, step.rip - site.address, step.code)
        )


def _part(offset: int, data: bytes) -> str:
    if offset == 0 and len(data) == 1:
        return "breakpoint" if data == INT3 else "first-byte"
    return "tail" if offset == 1 and len(data) == SITE_BYTES - 1 else "other"
