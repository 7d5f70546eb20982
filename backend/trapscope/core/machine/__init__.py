"""Virtual CPUs that run the guest's machine code and take exceptions as the manual says."""

from trapscope.core.machine.machine import TIMER_VECTOR, BootParams, Machine

__all__ = ["TIMER_VECTOR", "BootParams", "Machine"]
