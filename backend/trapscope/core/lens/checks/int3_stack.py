"""`depth-in-bounds`, `depth-zero-at-rest`, `slot-integrity`, `neighbours-untouched`: the int3 stack is one."""

from __future__ import annotations

#: A slot and what is in it: the stack's owner, the index, the value.
Slot = tuple[str, int, int]


def out_of_bounds(owner: str, depth: int, slots: int) -> str:
    """Somebody stored a depth that the slots do not have."""
    return f"The depth of {owner}'s int3 stack became {depth}; it has {slots} slots"


def at_rest(owner: str, depth: int, pending: int) -> str | None:
    """The depth and how many emulations are pending on the stack; why they do not agree, or None."""
    if depth == pending:
        return None
    return f"The depth of {owner}'s int3 stack is {depth} while {pending or 'nothing'} {_are(pending)} pending"


def popped_other(pushed: Slot, popped: Slot) -> str | None:
    """What a context pushed and what it popped; why that is not the same, or None."""
    if pushed[2] == popped[2]:
        return None
    return f"A context pushed {_slot(pushed)} and popped {_slot(popped)}"


def never_pushed(owner: str, index: int, value: int) -> str:
    """A stub runs for a trap whose handler pushed nothing."""
    return f"A context popped {_slot((owner, index, value))}, but had pushed nothing"


def nothing_to_pop(owner: str, index: int, value: int) -> str:
    """The stub faulted: the depth that it found is no index."""
    return f"A context pushed {_slot((owner, index, value))}; the stack that the stub found has nothing to pop"


def beyond(owner: str, index: int, address: int, old: int, new: int) -> str:
    """A push landed behind the last slot."""
    return f"A push to slots[{index}] of {owner}'s int3 stack overwrote {old:#x} at {address:#x} with {new:#x}"


def _slot(slot: Slot) -> str:
    owner, index, value = slot
    if index < 0:
        return f"{value:#x} (depth itself, as slots[{index}] of {owner})"
    return f"{value:#x} (slots[{index}] of {owner})"


def _are(count: int) -> str:
    return "are" if count > 1 else "is"
