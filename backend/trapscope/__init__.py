"""Trapscope: watch the Linux kernel patch its own running code, one instruction at a time."""

__version__ = "0.1.0"
