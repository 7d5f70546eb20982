"""Exception vectors, their classes, and what a second fault during a delivery turns into.

Intel SDM vol. 3A, 6.15 (the vectors) and table 6-5 (conditions for generating a double fault).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

DE: Final = 0
NMI: Final = 2
BP: Final = 3
UD: Final = 6
DF: Final = 8
TS: Final = 10
NP: Final = 11
SS: Final = 12
GP: Final = 13
PF: Final = 14
MC: Final = 18

#: Faults by the manual's names (table 6-1).
MNEMONICS: Final = {
    0: "#DE", 1: "#DB", 4: "#OF", 5: "#BR", 6: "#UD", 7: "#NM", 8: "#DF", 10: "#TS", 11: "#NP", 12: "#SS", 13: "#GP",
    14: "#PF", 16: "#MF", 17: "#AC", 19: "#XM", 20: "#VE", 21: "#CP",
}  # fmt: skip

#: Vectors that push an error code (SDM vol. 3A, table 6-1).
WITH_ERROR_CODE: Final = frozenset({DF, TS, NP, SS, GP, PF, 17, 21})
#: Faults: the saved RIP is that of the instruction, and saved RF is 1 (SDM vol. 3B, 17.3.1.1).
FAULTS: Final = frozenset({DE, 5, UD, 7, TS, NP, SS, GP, PF, 16, 17, 19, 20, 21})
_CONTRIBUTORY: Final = frozenset({DE, TS, NP, SS, GP})


class Source(Enum):
    """Where an event comes from; decides the EXT bit of error codes raised while delivering it."""

    SOFTWARE = "software"
    """INT n, INT3, INTO."""
    EXCEPTION = "exception"
    EXTERNAL = "external"
    """NMI, machine check, maskable interrupt."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a CPU is to deliver through the guest's IDT. -1 where a value does not apply.

    `restart` is the address of the INT3 or INT n itself: what is saved should the delivery of this event fault.
    """

    vector: int
    source: Source
    error_code: int = -1
    cr2: int = -1
    restart: int = -1


@dataclass(frozen=True, slots=True)
class TripleFault:
    """A contributory fault or #PF while the CPU was delivering #DF (SDM vol. 3A, 6.15, interrupt 8)."""

    cpu: int
    vector: int
    """Of the fault that came during the delivery."""


@dataclass(frozen=True, slots=True)
class MachineCheckInProgress:
    """A machine check while MCG_STATUS.MCIP was set: the handler of the last one was not done (vol. 3B, 15.3.1.2)."""

    cpu: int


ShutdownCause = TripleFault | MachineCheckInProgress
"""Every way in which a CPU of this machine gives up."""


class ThirdFault(Exception):
    """Delivering #DF raised a fault that cannot be delivered either."""

    def __init__(self, vector: int) -> None:
        super().__init__(vector)
        self.vector = vector


def second(first: Event, fault: Event) -> Event:
    """What is delivered when delivering `first` raises `fault` (table 6-5); raises ThirdFault."""
    serious = fault.vector in _CONTRIBUTORY or fault.vector == PF
    if first.vector == DF and serious:
        raise ThirdFault(fault.vector)
    double = (first.vector in _CONTRIBUTORY and fault.vector in _CONTRIBUTORY) or (first.vector == PF and serious)
    return Event(DF, Source.EXCEPTION, error_code=0, cr2=fault.cr2) if double else fault
