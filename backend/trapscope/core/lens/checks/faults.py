"""`no-unexpected-fault`: no fault, unclaimed int3 or shutdown that the scenario does not announce."""

from __future__ import annotations

from typing import assert_never

from trapscope.core.machine import MNEMONICS, MachineCheckInProgress, ShutdownCause, TripleFault


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


def shut_down(cause: ShutdownCause) -> str:
    """A CPU gave up."""
    match cause:
        case TripleFault():
            what = (
                f"{MNEMONICS.get(cause.vector, f'vector {cause.vector}')} came while it was delivering a double fault"
            )
        case MachineCheckInProgress():
            what = "a machine check came while MCG_STATUS.MCIP was set: the handler of the one before was not done"
        case _:
            assert_never(cause)
    return f"CPU {cause.cpu} shut down: {what}"
