"""The append-only record of a run: steps in columns, keyframes, and the state at any moment."""

from trapscope.core.trace.columns import Columns
from trapscope.core.trace.index import Stretch, TraceIndex
from trapscope.core.trace.memory import Memory
from trapscope.core.trace.state import State
from trapscope.core.trace.trace import Trace

__all__ = ["Columns", "Memory", "State", "Stretch", "Trace", "TraceIndex"]
