"""Entries of traced functions: from the call that arrives at the site to the body, old or new.

In between, trampolines and traps run; nested contexts may enter the same function meanwhile. An entry is told from
others of its task by the stack pointer that it arrived with, which is also the one that its body begins with.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from trapscope.core.lens.checks import calls_once, emulated_call, livepatch
from trapscope.core.lens.contexts import Contexts
from trapscope.core.lens.dispatch import Dispatch
from trapscope.core.lens.events import FopsCalled, FopsMissed, OldBodyRan, Redirected
from trapscope.core.lens.frames import Frames
from trapscope.core.lens.kernel import Kernel, PatchedFunction
from trapscope.core.lens.ops import Ops, OpsList
from trapscope.core.lens.record import Record
from trapscope.core.lens.text import SITE_BYTES, Site, Text
from trapscope.core.trace import State
from trapscope.core.types import RCX, RDI, RDX, RIP, RSI, RSP, Step


@dataclass(slots=True)
class Entry:
    """One time that a task came to a traced function's site.

    `wanted` are the ops that were in the list and matched then; `required` those of them that ran on every entry
    before the change in progress, and so must run on this one.
    """

    site: Site
    sp: int
    wanted: tuple[Ops, ...]
    required: frozenset[int]
    called: Counter[int] = field(default_factory=Counter)
    trapped: bool = False


class Entries:
    """Open entries by task, innermost last."""

    def __init__(
        self, kernel: Kernel, dispatch: Dispatch, record: Record, contexts: Contexts, frames: Frames, text: Text,
        start: State,
    ) -> None:  # fmt: skip
        self._kernel, self._record, self._contexts, self._frames, self._text = kernel, record, contexts, frames, text
        self._ops = OpsList(kernel, dispatch, start, self._on_func)
        self._open: dict[int, list[Entry]] = {}
        self._served: dict[int, frozenset[int]] = {}
        self._patched = {pair.old: pair for pair in kernel.patched}
        handler = kernel.image.find("klp_ftrace_handler")
        self._livepatch = handler.address if handler else None
        text.on_settled.append(self._note_served)
        self._note_served()
        for pair in kernel.patched:
            dispatch.on_arrival(pair.new, self._on_new_body)
        for site in text.sites.values():
            if site.place.kind == "function":
                dispatch.on_arrival(site.address, self._on_site)
                dispatch.on_arrival(site.address + SITE_BYTES, self._on_body)

    def trapped(self, task: int) -> None:
        """The task ran into an int3 while it was entering a function, if it was."""
        if entries := self._open.get(task):
            entries[-1].trapped = True

    def _note_served(self) -> None:
        """Nothing is being changed: which ops does each site's instruction reach?"""
        for site in self._text.sites.values():
            target = self._kernel.call_target(site.address, site.memory)
            self._served[site.address] = frozenset(ops.address for ops in self._ops.served_by(site.address, target))

    def _on_site(self, step: Step, after: State) -> None:
        if self._only_resumed():
            return
        regs = after.regs[step.cpu]
        site = self._text.sites[regs[RIP]]
        wanted = self._ops.matching(site.address)
        required = self._served[site.address] & {ops.address for ops in wanted}
        self._open.setdefault(self._contexts.task(step.cpu), []).append(Entry(site, regs[RSP], wanted, required))

    def _on_func(self, step: Step, after: State) -> None:
        if self._only_resumed():
            return
        regs = after.regs[step.cpu]
        ip, parent_ip, ops = regs[RDI], regs[RSI], self._ops.at(regs[RDX])
        name = ops.name if ops else self._kernel.function(regs[RDX])
        context = self._contexts.context(step.cpu)
        self._record.events.append(
            FopsCalled(
                step.moment, step.cpu, name, self._kernel.function(regs[RIP]), ip, self._kernel.name(ip),
                parent_ip, self._kernel.name(parent_ip), regs[RCX], context,
            )
        )  # fmt: skip
        for entry in reversed(self._open.get(self._contexts.task(step.cpu), [])):
            if entry.site.address == ip:
                entry.called[regs[RDX]] += 1
                if entry.called[regs[RDX]] > 1:
                    self._record.breach("calls-once", calls_once.again(name, entry.site.place.name))
                return

    def _on_body(self, step: Step, after: State) -> None:
        if self._only_resumed():
            return
        ip, sp = after.regs[step.cpu][RIP], after.regs[step.cpu][RSP]
        site = self._text.sites[ip - SITE_BYTES]
        entry = self._close(step, site.address, sp)
        if entry is None:
            return
        self._look_for_missed(step, entry)
        pair = self._patched.get(site.address)
        if pair is not None and self._in_force(site):
            function, new = site.place.name, self._kernel.function(pair.new)
            self._record.events.append(OldBodyRan(step.moment, step.cpu, ip, self._kernel.name(ip), function, new))
            self._record.breach("livepatch-consistent", livepatch.old_body(function, new))

    def _on_new_body(self, step: Step, after: State) -> None:
        regs = after.regs[step.cpu]
        for pair in self._kernel.patched:
            if pair.new == regs[RIP]:
                self._redirect(step, pair, regs[RSP])

    def _redirect(self, step: Step, pair: PatchedFunction, sp: int) -> None:
        open_entries = self._open.get(self._contexts.task(step.cpu), [])
        if not any(entry.site.address == pair.old and entry.sp == sp for entry in open_entries):
            return
        entry = self._close(step, pair.old, sp)
        assert entry is not None
        new = self._kernel.function(pair.new)
        self._record.events.append(Redirected(step.moment, step.cpu, entry.site.place.name, pair.new, new))
        self._look_for_missed(step, entry)

    def _close(self, step: Step, site: int, sp: int) -> Entry | None:
        """The entry that has come to a body with this stack pointer; those nested in it are over as well."""
        entries = self._open.get(self._contexts.task(step.cpu), [])
        mine = [i for i, entry in enumerate(entries) if entry.site.address == site]
        if not mine:
            return None
        at = next((i for i in reversed(mine) if entries[i].sp == sp), None)
        if at is None:
            at = mine[-1]
            name = entries[at].site.place.name
            self._record.breach("stack-balanced", emulated_call.body_begins_with(name, sp, entries[at].sp))
        entry = entries[at]
        del entries[at:]
        return entry

    def _look_for_missed(self, step: Step, entry: Entry) -> None:
        site = entry.site
        for ops in entry.wanted:
            if entry.called[ops.address] or self._ops.at(ops.address) is None:
                continue
            required = ops.address in entry.required
            if entry.trapped or required:
                name = self._kernel.name(site.address)
                missed = FopsMissed(step.moment, step.cpu, ops.name, site.address, name, not required)
                self._record.events.append(missed)
            if required:
                self._record.breach("calls-once", calls_once.missed(ops.name, site.place.name, entry.trapped))

    def _in_force(self, site: Site) -> bool:
        """Whether the site reached the live patch before the change in progress, and it is still in the list."""
        served = self._served[site.address]
        return any(ops.func == self._livepatch and ops.address in served for ops in self._ops.matching(site.address))

    def _only_resumed(self) -> bool:
        """Whether an interrupt ended here that had begun here: nobody has arrived."""
        return self._frames.resumed is not None and not self._frames.resumed.rewritten
