"""The patch sites' bytes, from the stores that change them, and the patcher's passes.

A change is over when `modifying_ftrace_code` is 0 and ftrace_modify_all_code() has returned, in whichever order: then
whoever registered an ops has been promised that it is called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from trapscope.core.lens.checks import torn_fetch
from trapscope.core.lens.dispatch import Dispatch
from trapscope.core.lens.events import PatchPhaseBegun, TextWritten
from trapscope.core.lens.kernel import Kernel, SitePlace, high_half
from trapscope.core.lens.open_calls import OpenCalls
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
    """One site: what memory holds, and every instruction that it has been, or is being made.

    A CPU whose fetch lags may decode an older one of them still; that is stale, but whole.
    """

    place: SitePlace
    memory: bytes
    whole: list[bytes]

    @property
    def address(self) -> int:
        return self.place.address

    def store(self, offset: int, data: bytes) -> None:
        """Memory changes. The tail says what the instruction will be: the rest of a nop, or of a call."""
        self.memory = self.memory[:offset] + data + self.memory[offset + len(data) :]
        tail = self.memory[1:]
        becoming = NOP5 if tail == NOP5[1:] else CALL_OPCODE + tail
        if becoming not in self.whole:
            self.whole.append(becoming)


class Text:
    """Every site by its address, followed from store to store."""

    def __init__(self, kernel: Kernel, dispatch: Dispatch, record: Record, start: State) -> None:
        self._kernel, self._dispatch, self._record = kernel, dispatch, record
        self.sites: dict[int, Site] = {}
        for place in kernel.sites:
            code = start.memory.read(place.address, SITE_BYTES)
            self.sites[place.address] = Site(place, code, [code])
        self._phase = ""
        self._pass = ""
        """The last pass over the sites; after the third one's sync there is none."""
        self.on_settled: list[Callable[[], None]] = []
        """Told whenever a change is over."""
        self._modifies = OpenCalls(dispatch, self._on_modified_all)
        self._syncs = OpenCalls(dispatch, self._on_synced)
        self._modifying = kernel.image.symbol("modifying_ftrace_code").address
        dispatch.watch(kernel.text.start, len(kernel.text), self._on_text)
        dispatch.watch(self._modifying, 4, self._on_modifying)
        dispatch.on_arrival(kernel.image.symbol("run_sync").address, self._on_sync)
        dispatch.on_arrival(kernel.image.symbol("ftrace_modify_all_code").address, self._modifies.begun)
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

    def undecodable(self, address: int) -> None:
        """#UD there: at a site, what the CPU decoded was no instruction at all. No step has its bytes."""
        if (site := self.site_of(address)) is not None:
            detail = torn_fetch.no_instruction(site.place.name, address - site.address, site.memory)
            self._record.breach("no-torn-fetch", detail)

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

    def _on_sync(self, step: Step, after: State) -> None:
        self._enter(step, _SYNC_AFTER.get(self._pass, ""))
        self._syncs.begun(step, after)

    def _on_synced(self, step: Step, _after: State) -> None:
        if self._phase in _SYNC_AFTER.values():
            self._enter(step, "synced")

    def _on_modifying(self, step: Step, _write: Write, after: State) -> None:
        if after.memory.u32(self._modifying):
            return
        if self._phase:
            self._enter(step, "done")
            self._phase = ""
        self._settle(after)

    def _on_modified_all(self, _step: Step, after: State) -> None:
        self._settle(after)

    def _settle(self, after: State) -> None:
        if not self._modifies.are_open and not after.memory.u32(self._modifying):
            for listener in self.on_settled:
                listener()

    def _enter(self, step: Step, phase: str) -> None:
        if phase and phase != self._phase:
            self._phase = phase
            if phase in _SYNC_AFTER:
                self._pass = phase
            self._record.events.append(PatchPhaseBegun(step.moment, step.cpu, phase))

    def _on_site(self, step: Step, _after: State) -> None:
        site = self.sites[step.rip]
        if detail := torn_fetch.at_site(site.place.name, step.code, site.whole):
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
