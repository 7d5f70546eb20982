"""Runs: the catalogue of what can be run, the schedule that drives one, and the session that records it."""

from trapscope.core.session.params import boot_params, booted
from trapscope.core.session.schedule import parse
from trapscope.core.session.session import Session

__all__ = ["Session", "boot_params", "booted", "parse"]
