"""What the steps of a run mean in the kernel's terms: events, checks and lanes."""

from trapscope.core.lens.events import EVENT_NAMES, EVENTS, Event
from trapscope.core.lens.finding import CHECKS, Check, Finding
from trapscope.core.lens.lane import Lane
from trapscope.core.lens.lens import Lens

__all__ = ["CHECKS", "EVENTS", "EVENT_NAMES", "Check", "Event", "Finding", "Lane", "Lens"]
