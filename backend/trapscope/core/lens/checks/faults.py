"""`no-unexpected-fault`: no fault, unclaimed int3 or shutdown that the scenario does not announce."""

from __future__ import annotations


def delivered(mnemonic: str, error_code: int, where: str) -> str:
    """The CPU delivered a fault."""
    code = f", error code {error_code:#x}" if error_code >= 0 else ""
    return f"The CPU raised {mnemonic} at {where}{code}"


def unclaimed(where: str) -> str:
    """No handler said that the breakpoint was its own."""
    return f"Nobody claimed the int3 at {where}"


def died(trapnr: int, where: str) -> str:
    """The guest gave up on an exception that it has no handler for."""
    return f"Nobody claimed the int3 at {where}" if trapnr == 3 else f"The guest died of vector {trapnr} at {where}"


def shut_down() -> str:
    """A fault while delivering a double fault."""
    return "The CPU shut down: a fault came while it was delivering a double fault"
