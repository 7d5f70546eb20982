"""Where a value of a run came from, and who wrote, changed or executed what, when: questions about a session."""

from trapscope.core.why.chain import Chain, End, EndCode, Link, Source
from trapscope.core.why.finding import Found, Question
from trapscope.core.why.inquiry import DEFAULT_LINKS, MAX_EVENTS, MAX_LINKS, Inquiry
from trapscope.core.why.place import Bytes, Place, Register

__all__ = [
    "DEFAULT_LINKS", "MAX_EVENTS", "MAX_LINKS", "Bytes", "Chain", "End", "EndCode", "Found", "Inquiry", "Link", "Place",
    "Question", "Register", "Source",
]  # fmt: skip
