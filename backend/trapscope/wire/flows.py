"""What led to what: an interrupt sent to its delivery, an `int3` to the call that was made in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from trapscope.core.lens import events as lens
from trapscope.core.lens.events import Event


@dataclass(frozen=True, slots=True)
class Flow:
    """From one event to another, later one."""

    name: str
    start: Event
    end: Event


def flows(events: Iterable[Event], task: Callable[[Event], str], length: int) -> Iterator[Flow]:
    """Every flow whose both ends lie before step `length`, in the order of their ends.

    `task` says whose step raised an event. An interrupt that is sent again before it was taken is taken once: every
    sending leads to that delivery. An `int3` that no call came of leads nowhere.
    """
    sent: dict[tuple[int, int], list[Event]] = {}
    trapped: dict[tuple[str, int], list[Event]] = {}
    for event in events:
        if event.moment >= length:
            return
        if isinstance(event, lens.IpiSent):
            for target in event.to:
                sent.setdefault((target, event.vector), []).append(event)
        elif isinstance(event, lens.IpiTaken):
            for start in sent.pop((event.cpu, event.vector), ()):
                yield Flow("IPI", start, event)
        elif isinstance(event, lens.BreakpointHit):
            trapped.setdefault((event.task, event.ip), []).append(event)
        elif isinstance(event, lens.CallEmulated):
            pending = trapped.get((task(event), event.site))
            if pending:
                start = pending.pop()
                yield Flow("emulated call", start, event)
