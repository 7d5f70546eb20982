"""Virtual CPUs that run the guest's machine code and take exceptions as the manual says."""

from trapscope.core.machine.block import Block, Code, View
from trapscope.core.machine.faults import MNEMONICS, MachineCheckInProgress, ShutdownCause, TripleFault
from trapscope.core.machine.held import Held, Holding, Pending, Wait
from trapscope.core.machine.journal import Glimpse
from trapscope.core.machine.loader import BootParams
from trapscope.core.machine.machine import TIMER_VECTOR, Machine, Snapshot
from trapscope.core.machine.recorder import NOWHERE
from trapscope.core.machine.registers import REGISTER_IDS

__all__ = [
    "MNEMONICS",
    "NOWHERE",
    "REGISTER_IDS",
    "TIMER_VECTOR",
    "Block",
    "BootParams",
    "Code",
    "Glimpse",
    "Held",
    "Holding",
    "Machine",
    "MachineCheckInProgress",
    "Pending",
    "ShutdownCause",
    "Snapshot",
    "TripleFault",
    "View",
    "Wait",
]
