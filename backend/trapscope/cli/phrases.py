"""Each event as a phrase: what changed, from what to what, by name wherever there is one."""

from __future__ import annotations

from collections.abc import Callable

from trapscope.core.image import Image
from trapscope.core.lens import events as lens
from trapscope.core.machine import MNEMONICS

Name = Callable[[int], str]


def phrase(event: lens.Event, image: Image) -> str:
    """The event's values, for one line of a report. Raises TypeError for an event without a phrase."""

    def at(address: int) -> str:
        return image.name(address) or f"{address:#x}"

    match event:
        case lens.TextWritten():
            return f"{event.symbol}: {event.old.hex(' ')} → {event.new.hex(' ')} ({event.part})"
        case lens.FetchViewChanged():
            lag = f", {len(event.stale)} of them not what memory holds" if event.stale else ", as memory has them"
            return f"CPU {event.cpu} would decode {event.seen.hex(' ')} at {event.symbol}{lag} ({event.cause})"
        case lens.PatchPhaseBegun():
            return event.phase
        case lens.IpiSent():
            what = "NMI" if event.delivery == "nmi" else f"vector {event.vector:#x}"
            return f"{what} to {_cpus(event.to)}"
        case lens.IpiTaken():
            return f"vector {event.vector:#x} from CPU {event.sender}"
        case lens.CoreSynced():
            return f"iretq to itself, at {at(event.ip)}"
        case lens.BreakpointHit():
            what = {"function": "a function's site", "trampoline": "the call in a trampoline"}.get(
                event.site, "no site"
            )
            return f"at {event.symbol}, {what}, in {event.context} context of {event.task}"
        case lens.FramePushed():
            frame = event.frame
            return (
                f"{vector(event.vector)} → {event.handler}: ip {event.symbol}, cs {frame.cs:#x},"
                f" flags {frame.flags:#x}, sp {frame.sp:#x}, ss {frame.ss:#x}, at {frame.addr:#x}"
            )
        case lens.Interrupted():
            return f"vector {event.vector:#x} in {event.context} context, at {event.symbol}"
        case lens.NmiTaken() | lens.MachineCheckTaken():
            return f"in {event.context} context, at {event.symbol}"
        case lens.SoftirqBegun():
            return f"on top of {event.task}"
        case lens.Faulted():
            return f"{event.mnemonic}, error code {event.error_code:#x}, at {event.symbol}"
        case lens.GapOpened():
            return f"the frame at {event.hardware:#x} is now at {event.addr:#x}, {event.words} words down"
        case lens.FrameRewritten():
            old, new = event.old_symbol or f"{event.old:#x}", event.new_symbol or f"{event.new:#x}"
            return f"{event.field}: {old} → {new}"
        case lens.StackAccess():
            return _access(event, at)
        case lens.IretExecuted():
            return f"{vector(event.vector)} ends: to {event.symbol}, sp {event.sp:#x}"
        case lens.StubEntered():
            return f"{event.stub}, in {event.context} context of {event.task}"
        case lens.CallEmulated():
            return f"{event.symbol} → {event.target_symbol}, returning to {at(event.return_address)}"
        case lens.FopsCalled():
            regs = f"regs at {event.regs:#x}" if event.regs else "no regs"
            return f"{event.func} of {event.op} for {event.symbol}, called from {event.parent_symbol}, {regs}"
        case lens.FopsMissed():
            why = (
                "allowed: no entry had it before the change"
                if event.allowed
                else "every entry had it before the change"
            )
            return f"{event.op} for {event.symbol} ({why})"
        case lens.OldBodyRan():
            return f"{event.function} at {event.symbol}, not {event.replacement}"
        case lens.Redirected():
            return f"{event.function} → {event.replacement}"
        case lens.Preempted():
            return f"{event.task}, {_slots(event.depth)} occupied"
        case lens.Migrated():
            return f"{event.task} from CPU {event.from_cpu}, {_slots(event.depth)} occupied"
        case lens.Forked():
            return f"{event.child} from {event.parent}, depth {event.depth}"
        case lens.Halted():
            return f"at {event.symbol}"
        case _:
            raise TypeError(f"no phrase for {event!r}")


def vector(number: int) -> str:
    """What the manual calls it."""
    names = {-1: "no delivery's frame", 2: "NMI", 3: "#BP", 18: "#MC", **MNEMONICS}
    return names.get(number, f"vector {number:#x}")


def _access(event: lens.StackAccess, at: Name) -> str:
    stack = f"{event.owner}'s int3 stack" if event.owner.startswith("cpu") else f"{event.owner}"
    slot = f"slots[{event.index}] = {at(event.value) if event.value else '0x0'}"
    if event.access == "depth":
        return f"{stack}: depth is {event.depth}; {slot}"
    read = "read" if event.name.startswith(("pop", "slot-popped")) else "written"
    return f"{stack}: {slot} {read}; depth is {event.depth}"


def _cpus(numbers: tuple[int, ...]) -> str:
    return " and ".join(f"CPU {number}" for number in numbers) or "nobody"


def _slots(count: int) -> str:
    return f"{count} slot{'' if count == 1 else 's'}"
