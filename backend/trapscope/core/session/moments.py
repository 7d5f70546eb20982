"""Moments as people type them: a number, or an event's name and which of its kind.

    412   slot-pushed   slot-pushed:2

An event names the moment right after the step that raised it: there, what it tells of has just happened.
"""

from __future__ import annotations

import re
from typing import Final

from trapscope.core.errors import BadInput
from trapscope.core.lens import EVENT_NAMES
from trapscope.core.session.session import Session

_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_EVENT: Final = re.compile(r"([a-z][a-z0-9-]*)(?::([0-9]{1,18}))?")


def moment_of(text: str, session: Session) -> int:
    """The moment, 0 to the run's last; raises BadInput for what is no moment of this run."""
    if _NUMBER.fullmatch(text):
        return _in_run(int(text), session)
    match = _EVENT.fullmatch(text)
    if match is None:
        raise BadInput(f"“{text}” is no moment: give a number, an event's name, or EVENT:N for its N-th")
    return _after_event(match[1], int(match[2] or 1), session)


def _in_run(moment: int, session: Session) -> int:
    last = len(session.trace)
    if moment > last:
        raise BadInput(f"this run has no moment {moment}: its moments are 0 to {last}")
    return moment


def _after_event(name: str, which: int, session: Session) -> int:
    if name not in EVENT_NAMES:
        raise BadInput(f"there is no event “{name}”; there are {', '.join(EVENT_NAMES)}")
    found = [event.moment for event in session.events if event.name == name]
    if not found:
        raise BadInput(f"no step of this run raises {name}")
    if not 1 <= which <= len(found):
        raise BadInput(f"there is no {name}:{which}: this run has {name}:1 to {name}:{len(found)}")
    return found[which - 1] + 1
