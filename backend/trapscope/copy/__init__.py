"""The words that people read, as data: Fluent messages, one folder a language (decision 8)."""

from trapscope.copy.copy import Copy, english, generated

__all__ = ["Copy", "english", "generated"]
