"""What there is to tell of a run: which message of the copy an event is told by, and what goes into it."""

from trapscope.core.telling.course import Course
from trapscope.core.telling.teller import Teller
from trapscope.core.telling.told import PASSAGES, Copy, Told

__all__ = ["PASSAGES", "Copy", "Course", "Teller", "Told"]
