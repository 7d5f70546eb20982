"""`livepatch-consistent`: the old body never runs while the live patch is in force."""

from __future__ import annotations


def old_body(function: str, replacement: str) -> str:
    """Control reached the old body although the patch redirects the function."""
    return f"The old body of {function} runs, though a live patch replaces it by {replacement}"
