"""Virtual CPUs that run the guest's machine code and take exceptions as the manual says."""

from trapscope.core.machine.block import Block, Code, View
from trapscope.core.machine.journal import Glimpse
from trapscope.core.machine.loader import BootParams
from trapscope.core.machine.machine import TIMER_VECTOR, Machine, Snapshot

__all__ = ["TIMER_VECTOR", "Block", "BootParams", "Code", "Glimpse", "Machine", "Snapshot", "View"]
