"""What has happened in a run so far, as far as it decides what is true to say of the next event.

Folded from events alone: who has trapped and not yet called, what lies in which slot unread, what stood on a site
before its breakpoint, which CPU has not fetched that, which calls were emulated and with which return address.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from trapscope.core.lens import events as lens

SITE_BYTES = 5
INT3 = 0xCC


@dataclass(slots=True)
class Course:
    """`after` takes the next event in; whoever tells of an event asks before that."""

    traps: list[lens.BreakpointHit] = field(default_factory=list)
    """Open, innermost last."""
    unread: dict[tuple[str, int], int] = field(default_factory=dict)
    """By int3 stack and slot, an address that was put there and that no stub has read."""
    emulated: list[lens.CallEmulated] = field(default_factory=list)
    """Calls that were emulated and have reached nobody yet."""
    _first: dict[int, int] = field(default_factory=dict)
    """By site, the first byte that memory holds, once it was written."""
    _before: dict[int, int] = field(default_factory=dict)
    """By site, the first byte that the breakpoint replaced."""
    _views: dict[tuple[int, int], bytes] = field(default_factory=dict)
    """By CPU and site, what a CPU would decode that has not fetched the newest bytes."""

    def after(self, event: lens.Event) -> None:
        """This has happened."""
        match event:
            case lens.TextWritten():
                self._written(event)
            case lens.FetchViewChanged():
                if event.stale:
                    self._views[event.cpu, event.site] = event.seen
                else:
                    self._views.pop((event.cpu, event.site), None)
            case lens.BreakpointHit():
                self.traps.append(event)
            case lens.PushBegun(access="slot") | lens.SlotPushed(access="slot"):
                self.unread[event.owner, event.index] = event.value
            case lens.PopBegun(access="slot") | lens.SlotPopped(access="slot"):
                self.unread.pop((event.owner, event.index), None)
            case lens.CallEmulated():
                self._close(event.site)
                self.emulated.append(event)
            case lens.IretExecuted(vector=3):
                trap = self.trap_of(event.ip - SITE_BYTES)
                if trap is not None:
                    self.traps.remove(trap)
            case lens.FopsCalled():
                found = self.emulation_of(event)
                if found is not None:
                    self.emulated.remove(found)
            case _:
                pass

    def replaced(self, site: int) -> int | None:
        """The first byte that stood on the site before its breakpoint; None where nobody saw it written."""
        return self._before.get(site)

    def stops(self, site: int) -> bool:
        """Whether memory has a breakpoint on the site."""
        return self._first.get(site) == INT3

    def unaware(self, site: int) -> list[int]:
        """The CPUs that would not decode the breakpoint that memory has on the site."""
        return sorted(cpu for (cpu, at), seen in self._views.items() if at == site and seen[:1] != bytes((INT3,)))

    def trap_of(self, site: int) -> lens.BreakpointHit | None:
        """The innermost open trap of that site."""
        return next((trap for trap in reversed(self.traps) if trap.ip == site), None)

    def emulation_of(self, event: lens.FopsCalled) -> lens.CallEmulated | None:
        """The emulated call that leads there: the last whose return address names this function."""
        wanted = event.ip + SITE_BYTES
        return next((call for call in reversed(self.emulated) if call.return_address == wanted), None)

    def _close(self, site: int) -> None:
        trap = self.trap_of(site)
        if trap is not None:
            self.traps.remove(trap)

    def _written(self, event: lens.TextWritten) -> None:
        if event.part == "breakpoint":
            self._before[event.site] = event.old[0]
        if event.addr == event.site:
            self._first[event.site] = event.new[0]
