"""`calls-once`: what an entry owes to the ops that match it."""

from __future__ import annotations


def missed(ops: str, function: str, trapped: bool) -> str:
    """An ops did not run though the site is a call before and after the change."""
    how = "the int3 was not turned into a call" if trapped else "its call was not made"
    return f"An entry of {function} went by without {ops}: {how}, and the site is a call before and after the change"


def again(ops: str, function: str) -> str:
    """An ops ran a second time for the same entry."""
    return f"One entry of {function} made {ops} run twice"
