"""`frame-intact`: the frame that iretq pops is the one that the delivery pushed, but for what a handler rewrote."""

from __future__ import annotations


def overwritten(stack: int, led_to: str, leads_to: str) -> str:
    """Another delivery pushed its frame onto this one, and nobody had kept a copy."""
    return f"The frame at {stack:#x} led to {led_to}; a later delivery overwrote it, and iretq now goes to {leads_to}"


def lost(at: int, led_to: str) -> str:
    """Another delivery has just pushed its frame onto this one, and nobody had kept a copy."""
    return f"The frame at {at:#x}, which led to {led_to}, was overwritten by another delivery before it was copied"
