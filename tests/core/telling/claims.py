"""What each message claims beyond its own values, as a condition on the machine's state right behind the step.

Written from what the words say and from the Intel SDM, not from how the message was chosen: it reads memory, registers
and the trace, never the teller's bookkeeping.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from trapscope.core.image import Image
from trapscope.core.lens import events as lens
from trapscope.core.session import Session
from trapscope.core.trace import State
from trapscope.core.types import RFLAGS, RIP, RSP

SITE_BYTES: Final = 5
_IF: Final = 1 << 9


@dataclass(frozen=True, slots=True)
class Scene:
    """An event, the state before and behind its step, and the run that it is of."""

    image: Image
    session: Session
    event: lens.Event
    place: int
    """The event's among the session's."""
    before: State
    after: State

    @property
    def earlier(self) -> list[lens.Event]:
        return self.session.events[: self.place]

    def rip(self) -> int:
        return self.after.regs[self.event.cpu][RIP]

    def top(self) -> int:
        """The word on top of the CPU's stack."""
        return self.after.memory.u64(self.after.regs[self.event.cpu][RSP])


Claim = Callable[[Scene], bool]


def _stops(scene: Scene) -> bool:
    """Memory has `cc` in front."""
    event = scene.event
    assert isinstance(event, lens.TextWritten)
    return scene.after.memory.read(event.site, 1) == b"\xcc"


def _seen(scene: Scene, cpu: int, site: int) -> bytes:
    """What a CPU decodes at the site, by the last that was told of its view."""
    views = [e for e in scene.earlier if isinstance(e, lens.FetchViewChanged) and (e.cpu, e.site) == (cpu, site)]
    return views[-1].seen if views and views[-1].stale else scene.after.memory.read(site, SITE_BYTES)


def _everybody_stops(scene: Scene) -> bool:
    event = scene.event
    assert isinstance(event, lens.TextWritten)
    return _stops(scene) and all(_seen(scene, cpu, event.site)[:1] == b"\xcc" for cpu in range(scene.session.spec.cpus))


def _was(opcode: int) -> Claim:
    def claim(scene: Scene) -> bool:
        event = scene.event
        assert isinstance(event, lens.BreakpointHit)
        index = [e for e in scene.earlier if isinstance(e, lens.TextWritten) and e.site == event.ip]
        placed = [e for e in index if e.part == "breakpoint"]
        return placed[-1].old[0] == opcode and scene.before.memory.read(event.ip, 1) == b"\xcc"

    return claim


def _is_gone(scene: Scene) -> bool:
    event = scene.event
    return isinstance(event, lens.BreakpointHit) and scene.before.memory.read(event.ip, 1) != b"\xcc"


def _pushes_what_a_call_would(scene: Scene) -> bool:
    event = scene.event
    assert isinstance(event, lens.CallEmulated)
    return scene.rip() == event.target and scene.top() == event.site + SITE_BYTES


def _pushes_something_else(scene: Scene) -> bool:
    event = scene.event
    assert isinstance(event, lens.CallEmulated)
    return scene.rip() == event.target and scene.top() != event.site + SITE_BYTES


def _slot_holds_the_address(scene: Scene) -> bool:
    """The slot holds the address behind some `int3` that was met before, and depth counts it."""
    event = scene.event
    assert isinstance(event, lens.SlotPushed)
    behind = {e.ip + SITE_BYTES for e in scene.earlier if isinstance(e, lens.BreakpointHit)}
    return scene.after.memory.u64(event.addr) == event.value and event.value in behind and event.index < event.depth


def _another_is_lost(scene: Scene) -> bool:
    event = scene.event
    assert isinstance(event, lens.StackAccess)
    return scene.before.memory.u64(event.addr) != 0 and scene.after.memory.u64(event.addr) == event.value


def _slot_is_there(scene: Scene) -> bool:
    return isinstance(scene.event, lens.StackAccess) and 0 <= scene.event.index < 4


def _next_slot_is_free(scene: Scene) -> bool:
    return isinstance(scene.event, lens.PopBegun) and scene.event.depth < 4


def _no_slot_is_free(scene: Scene) -> bool:
    return isinstance(scene.event, lens.PopBegun) and scene.event.depth >= 4


def _call_was_kept(scene: Scene) -> bool:
    """An `int3` on this very function led here, and a call was emulated that returns behind it."""
    event = scene.event
    assert isinstance(event, lens.FopsCalled)
    calls = [e for e in scene.earlier if isinstance(e, lens.CallEmulated)]
    return any(call.site == event.ip and call.return_address == event.ip + SITE_BYTES for call in calls)


def _went_astray(scene: Scene) -> bool:
    event = scene.event
    assert isinstance(event, lens.FopsCalled)
    calls = [e for e in scene.earlier if isinstance(e, lens.CallEmulated)]
    return any(call.site != event.ip and call.return_address == event.ip + SITE_BYTES for call in calls)


def _interrupts_are_off(scene: Scene) -> bool:
    return not scene.after.regs[scene.event.cpu][RFLAGS] & _IF


def _lands_on_the_frame(scene: Scene) -> bool:
    event = scene.event
    assert isinstance(event, lens.FrameRewritten)
    trap = [e for e in scene.earlier if isinstance(e, lens.BreakpointHit)][-1]
    return event.new == trap.ip + SITE_BYTES == scene.after.memory.u64(event.addr)


def _names_a_selector(scene: Scene) -> bool:
    """Vol. 3A, 6.13: neither the IDT's bit nor a null selector."""
    event = scene.event
    return isinstance(event, lens.Faulted) and event.error_code != 0 and not event.error_code & 2


CLAIMS: Final[dict[str, Claim]] = {
    "text-write-tail": _everybody_stops,
    "text-write-tail-seen": lambda scene: _stops(scene) and not _everybody_stops(scene),
    "text-write-tail-bare": lambda scene: not _stops(scene),
    "int3-call": _was(0xE8),
    "int3-nop": _was(0x0F),
    "int3-stale": _is_gone,
    "frame-pushed-bp": _interrupts_are_off,
    "call-emulated": _pushes_what_a_call_would,
    "call-emulated-wrong": _pushes_something_else,
    "slot-pushed-thread": _slot_holds_the_address,
    "slot-pushed-percpu": _slot_holds_the_address,
    "push-begun-depth": _slot_is_there,
    "push-begun-slot": _slot_is_there,
    "push-over": _another_is_lost,
    "push-beyond": lambda scene: not _slot_is_there(scene),
    "pop-begun-slot": _next_slot_is_free,
    "pop-begun-slot-full": _no_slot_is_free,
    "fops-called-kept": _call_was_kept,
    "fops-called-kept-regs": _call_was_kept,
    "fops-called-astray": _went_astray,
    "frame-rewritten-pushed": _lands_on_the_frame,
    "fault-selector": _names_a_selector,
}
