"""What a CPU holds back, as it is told: to clients with a chunk, and as a line of the JSON lines."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypeAliasType

from trapscope.core import machine as core
from trapscope.wire.values import Count, Cpu, Frozen, Moment

WaitName = TypeAliasType(
    "WaitName",
    Literal[
        "exception",
        "machine-check",
        "nmi",
        "higher-vector",
        "if-clear",
        "sti-shadow",
        "mov-ss-shadow",
        "nmi-blocked",
        "in-service",
        "task-priority",
    ],
)


class Pending(Frozen):
    """Something raised and not taken, and everything that it waits for; with nothing in `waits_for` it is next."""

    what: Literal["irq", "nmi", "mce"]
    vector: Count
    waits_for: list[WaitName]


class Held(Frozen):
    """From moment `n` on this is what the CPU holds back, until its next entry; of several with one `n`, the last.

    A CPU without an entry yet blocks no NMI and has nothing pending. `pending` is in the order of being taken.
    """

    n: Moment
    cpu: Cpu
    nmi_blocked: bool
    pending: list[Pending]


def held_object(held: core.Held) -> dict[str, Any]:
    """The entry as `Held` describes it."""
    return {
        "n": held.moment,
        "cpu": held.cpu,
        "nmi_blocked": held.holding.nmi_blocked,
        "pending": [
            {"what": each.what, "vector": each.vector, "waits_for": [wait.value for wait in each.waits_for]}
            for each in held.holding.pending
        ],
    }
