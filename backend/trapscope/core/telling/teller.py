"""Which message an event is told by. A message claims only what holds in this run: conditions, not the event's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from trapscope.core.lens import events as lens
from trapscope.core.lens.vectors import vector_name
from trapscope.core.telling.course import SITE_BYTES, Course
from trapscope.core.telling.told import Told, weight_of
from trapscope.core.types import Context

_CALL: Final = 0xE8
_CONTEXTS: Final = {context: context.value for context in Context} | {
    Context.NMI: "NMI", Context.MCE: "machine check",
}  # fmt: skip
_WORDS: Final = {"ip": "RIP", "cs": "CS", "flags": "RFLAGS", "sp": "RSP", "ss": "SS"}
_PHASES: Final = frozenset({"breakpoints", "sync-1", "tails", "sync-2", "first-bytes", "sync-3", "synced", "done"})
#: Exceptions whose error code is a selector (SDM vol. 3A, 6.13), and the code's bit that says the IDT is meant.
_SELECTOR_FAULTS: Final = frozenset({"#TS", "#NP", "#SS", "#GP"})
_IDT: Final = 2
#: The designs that go through a stub, of which the patch speaks.
_STUBS: Final = frozenset({"thread", "percpu"})


class Teller:
    """Of one run. `name` gives an address as people read it; `slots` is how many an int3 stack has."""

    def __init__(self, design: str, name: Callable[[int], str], slots: int) -> None:
        self._design, self._name, self._slots = design, name, slots
        self.course = Course()

    def tell(self, event: lens.Event) -> Told:
        """What the next event is told by. Raises TypeError for an event without words."""
        told = replace(self._told(event), weight=weight_of(event.name))
        self.course.after(event)
        return told

    def _told(self, event: lens.Event) -> Told:
        match event:
            case lens.TextWritten() | lens.FetchViewChanged() | lens.PatchPhaseBegun():
                return self._of_patcher(event)
            case lens.IpiSent() | lens.IpiTaken() | lens.CoreSynced() | lens.Halted():
                return _of_cpus(event)
            case lens.StackAccess():
                return self._of_stack(event)
            case lens.FrameRewritten():
                return self._of_frame(event)
            case lens.Preempted() | lens.Migrated() | lens.Forked():
                return self._of_tasks(event)
            case lens.CallEmulated() | lens.FopsCalled() | lens.FopsMissed() | lens.OldBodyRan() | lens.Redirected():
                return self._of_call(event)
            case _:
                return self._of_control(event)

    def _of_patcher(self, event: lens.TextWritten | lens.FetchViewChanged | lens.PatchPhaseBegun) -> Told:
        if isinstance(event, lens.PatchPhaseBegun):
            if event.phase not in _PHASES:
                return Told("patch-phase-other", {"phase": event.phase})
            return Told(f"patch-phase-{event.phase}", {}, "breakpoint" if event.phase == "breakpoints" else None)
        if isinstance(event, lens.FetchViewChanged):
            which = event.cause if event.cause in ("stored", "serialised") else ("some" if event.stale else "all")
            args = {"cpu": str(event.cpu), "seen": event.seen.hex(" "), "symbol": plain(event.symbol)}
            return Told(f"fetch-view-{which}", args)
        site = event.symbol.partition("+")[0]
        new = event.new.hex(" ")
        if event.part == "breakpoint":
            return Told("text-write-breakpoint", {"site": site}, "breakpoint")
        if event.part == "first-byte":
            return Told("text-write-first-byte", {"new": new})
        if event.part != "tail":
            old = event.old.hex(" ")
            return Told("text-write-other", {"symbol": plain(event.symbol), "old": old, "new": new})
        if not self.course.stops(event.site):
            return Told("text-write-tail-bare", {"site": site, "new": new})
        if unaware := self.course.unaware(event.site):
            return Told("text-write-tail-seen", {"new": new, "cpus": ", ".join(map(str, unaware))})
        return Told("text-write-tail", {"new": new})

    def _of_control(self, event: lens.Event) -> Told:
        stub = "skip" if self._design == "skip" else "stub" if self._design in _STUBS else None
        four = "four" if self.course.traps else None
        match event:
            case lens.BreakpointHit():
                return Told(self._int3(event.ip), {"cpu": str(event.cpu), "symbol": plain(event.symbol)}, "breakpoint")
            case lens.FramePushed(vector=3):
                args = {"symbol": plain(event.symbol), "handler": plain(event.handler)}
                return Told("frame-pushed-bp", args, "breakpoint")
            case lens.FramePushed():
                vector = vector_name(event.vector)
                args = {"vector": vector, "symbol": plain(event.symbol), "handler": plain(event.handler)}
                return Told("frame-pushed", args)
            case lens.Interrupted():
                args = {"vector": vector_name(event.vector), "symbol": plain(event.symbol)}
                return Told("irq", args | {"context": _CONTEXTS[event.context]}, four)
            case lens.SoftirqBegun():
                return Told("softirq", {"task": event.task}, four)
            case lens.NmiTaken() | lens.MachineCheckTaken():
                return Told(event.name, {"symbol": plain(event.symbol)}, four)
            case lens.Faulted():
                return _of_fault(event)
            case lens.GapOpened():
                return Told("gap-opened", {"words": str(event.words)})
            case lens.IretExecuted():
                is_trap = event.vector == 3
                id_ = "iret" if event.vector < 0 else "iret-trap"
                return Told(id_, {"symbol": plain(event.symbol)}, stub if is_trap else None)
            case lens.StubEntered():
                return Told("stub-entered", {"context": _CONTEXTS[event.context], "stub": plain(event.stub)}, stub)
            case _:
                raise TypeError(f"no words for {event!r}")

    def _int3(self, site: int) -> str:
        was = self.course.replaced(site)
        if was is None:
            return "int3"
        if not self.course.stops(site):
            return "int3-stale"
        return "int3-call" if was == _CALL else "int3-nop"

    def _of_frame(self, event: lens.FrameRewritten) -> Told:
        args = {"old": plain(event.old_symbol), "new": plain(event.new_symbol)}
        trap = self.course.traps[-1] if self.course.traps else None
        if event.field == "ip" and self._design == "skip":
            return Told("frame-rewritten-skip", args, "skip")
        if event.field == "ip" and "_stub_" in event.new_symbol:
            return Told("frame-rewritten-stub", args, "frame")
        if event.field == "ip":
            return Told("frame-rewritten-ip", args)
        if trap is not None and event.new == trap.ip + SITE_BYTES:
            word = _WORDS[event.field]
            return Told("frame-rewritten-pushed", {"word": word, "old": hex(event.old), "new": self._name(event.new)})
        if event.field == "sp":
            return Told("frame-rewritten-sp")
        return Told("frame-rewritten-other", {"word": _WORDS[event.field]})

    def _of_stack(self, event: lens.StackAccess) -> Told:
        args = {"index": str(event.index), "depth": str(event.depth)}
        by_depth = event.access == "depth"
        if isinstance(event, lens.PushBegun | lens.SlotPushed) and not 0 <= event.index < self._slots:
            return Told("push-beyond-depth" if by_depth else "push-beyond", args)
        lost = self.course.unread.get((event.owner, event.index))
        match event:
            case lens.PushBegun() | lens.SlotPushed() if not by_depth and lost is not None:
                return Told("push-over", args | {"value": self._name(event.value), "lost": self._name(lost)}, "slots")
            case lens.PushBegun():
                return Told("push-begun-depth" if by_depth else "push-begun-slot", args, "slots")
            case lens.SlotPushed():
                where = "percpu" if self._design == "percpu" else "thread"
                return Told("slot-pushed-depth" if by_depth else f"slot-pushed-{where}", args, "communicate")
            case lens.PopBegun() if by_depth:
                return Told("pop-begun-depth", args, "offsets")
            case lens.PopBegun():
                if lost is None:
                    return Told("pop-begun-none", args, "offsets")
                return Told("pop-begun-slot" if event.depth < self._slots else "pop-begun-slot-full", args, "offsets")
            case _:
                return Told("slot-popped-depth" if by_depth else "slot-popped-slot", args, "communicate")

    def _of_call(
        self, event: lens.CallEmulated | lens.FopsCalled | lens.FopsMissed | lens.OldBodyRan | lens.Redirected
    ) -> Told:
        match event:
            case lens.CallEmulated():
                args = {"target": plain(event.target_symbol)}
                if event.return_address == event.site + SITE_BYTES:
                    return Told("call-emulated", args, "emulate")
                address = self._name(event.return_address)
                return Told("call-emulated-wrong", args | {"address": address, "site": plain(event.symbol)})
            case lens.FopsCalled():
                return self._of_fops(event)
            case lens.FopsMissed():
                id_ = "fops-missed-allowed" if event.allowed else "fops-missed"
                args = {"symbol": plain(event.symbol), "op": plain(event.op)}
                return Told(id_, args, "skip" if self._design == "skip" else None)
            case lens.OldBodyRan():
                args = {"function": plain(event.function), "replacement": plain(event.replacement)}
                return Told("old-body-ran", args, "skip" if self._design == "skip" else None)
            case _:
                return Told("redirected", {"function": plain(event.function), "replacement": plain(event.replacement)})

    def _of_fops(self, event: lens.FopsCalled) -> Told:
        call = self.course.emulation_of(event)
        args = {"func": plain(event.func), "symbol": plain(event.symbol)}
        if call is not None and call.site != event.ip:
            return Told("fops-called-astray", args | {"site": plain(call.symbol)})
        kept = "" if call is None else "-kept"
        regs = "-regs" if event.regs else ""
        args["parent"] = plain(event.parent_symbol)
        return Told(f"fops-called{kept}{regs}", args, None if call is None else "emulate")

    def _of_tasks(self, event: lens.Preempted | lens.Migrated | lens.Forked) -> Told:
        percpu = "-percpu" if self._design == "percpu" else ""
        match event:
            case lens.Preempted():
                args = {"task": event.task}
                return Told(f"preempted{percpu}", args if percpu else args | {"count": event.depth}, "percpu")
            case lens.Migrated():
                args = {"task": event.task, "cpu": str(event.cpu), "from": str(event.from_cpu)}
                return Told(f"migrated{percpu}", args if percpu else args | {"count": event.depth}, "thread")
            case lens.Forked():
                args = {"parent": event.parent, "depth": str(event.depth)}
                if event.child == event.parent:
                    return Told("forked-new", args, "fork")
                return Told("forked", args | {"child": event.child}, "fork")


def _of_cpus(event: lens.IpiSent | lens.IpiTaken | lens.CoreSynced | lens.Halted) -> Told:
    args = {"cpu": str(event.cpu)}
    match event:
        case lens.IpiSent():
            args["to"] = ", ".join(map(str, event.to))
            return Told("ipi-sent-nmi" if event.delivery == "nmi" else "ipi-sent", args)
        case lens.IpiTaken() if event.sender >= 0:
            return Told("ipi-taken", args | {"sender": str(event.sender)})
        case lens.IpiTaken():
            return Told("ipi-taken-outside", args)
        case _:
            return Told(event.name, args)


def _of_fault(event: lens.Faulted) -> Told:
    args = {"mnemonic": event.mnemonic, "symbol": plain(event.symbol)}
    if event.mnemonic in _SELECTOR_FAULTS and event.error_code and not event.error_code & _IDT:
        return Told("fault-selector", args | {"code": hex(event.error_code)})
    return Told("fault", args)


def plain(name: str) -> str:
    """Without +0x0."""
    return name.removesuffix("+0x0")
