"""Where input logs live: everything that is needed to make a session again, and nothing else."""

from trapscope.store.input_log import Input, InputLog, SessionRecord, UnknownSession
from trapscope.store.memory import MemoryInputLog

__all__ = ["Input", "InputLog", "MemoryInputLog", "SessionRecord", "UnknownSession"]
