"""The vocabulary of events: what a step means in the kernel's terms, with the values that explain it.

Every event is a frozen dataclass that opens with `moment` (the step that raised it) and `cpu`. A field typed `Hex`
is an address or a machine word and is shown as hex text; a plain int is a count, an index or a vector. An event is
raised by the step that *makes it true*: `stub-entered` by the `iretq` after which RIP stands on the stub.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from trapscope.core.types import Context


class HexMark:
    """The annotation that tells an address or machine word from a count."""


HEX: Final = HexMark()
Hex = Annotated[int, HEX]


@dataclass(frozen=True, slots=True)
class Frame:
    """The five words that a delivery pushes and `iretq` pops; `addr` is where the lowest, the ip, lies."""

    addr: Hex
    ip: Hex
    cs: Hex
    flags: Hex
    sp: Hex
    ss: Hex


@dataclass(frozen=True, slots=True)
class Event:
    """A step that means something."""

    name: ClassVar[str] = ""

    moment: int
    cpu: int


# --- text and the patcher ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TextWritten(Event):
    """A store to the kernel's text through its alias. `part`: breakpoint, tail, first-byte or other."""

    name: ClassVar[str] = "text-write"

    addr: Hex
    symbol: str
    site: Hex
    part: str
    old: bytes
    new: bytes


@dataclass(frozen=True, slots=True)
class FetchViewChanged(Event):
    """What `cpu` would decode at a site is `seen` from now on, whatever is stored there, until it is told again.

    In the weak fetch model only. `stale`: which of them memory does not hold. `cause`: stored (the step wrote there,
    and the CPU goes on seeing what it saw), serialised, or schedule (a fetch token behind the step).
    """

    name: ClassVar[str] = "fetch-view"

    site: Hex
    symbol: str
    kind: str
    seen: bytes
    stale: tuple[int, ...]
    cause: str


@dataclass(frozen=True, slots=True)
class PatchPhaseBegun(Event):
    """The patcher went on: breakpoints, sync-1, synced, tails, sync-2, synced, first-bytes, sync-3, synced, done.

    `sync-N` is where it begins to wait for the other CPUs, `synced` where all have answered and it goes on.
    """

    name: ClassVar[str] = "patch-phase"

    phase: str


@dataclass(frozen=True, slots=True)
class IpiSent(Event):
    """A store to the local APIC's interrupt command register. `delivery`: fixed or nmi."""

    name: ClassVar[str] = "ipi-sent"

    delivery: str
    vector: int
    to: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class IpiTaken(Event):
    """The CPU took an interrupt that a CPU had sent; `sender` is -1 where it came from outside."""

    name: ClassVar[str] = "ipi-taken"

    vector: int
    sender: int


@dataclass(frozen=True, slots=True)
class CoreSynced(Event):
    """An IRET to self inside sync_core(): this CPU decodes nothing old any more."""

    name: ClassVar[str] = "sync-core"

    ip: Hex


# --- deliveries ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BreakpointHit(Event):
    """An `int3` was executed. `site`: function (an entry's call site), trampoline, or none of ours."""

    name: ClassVar[str] = "int3"

    ip: Hex
    symbol: str
    site: str
    task: str
    context: Context


@dataclass(frozen=True, slots=True)
class FramePushed(Event):
    """The CPU delivered `vector` and pushed the five words."""

    name: ClassVar[str] = "frame-pushed"

    vector: int
    frame: Frame
    symbol: str
    handler: str


@dataclass(frozen=True, slots=True)
class Interrupted(Event):
    """A maskable interrupt was taken; `ip` is what it interrupted, `context` where."""

    name: ClassVar[str] = "irq"

    vector: int
    ip: Hex
    symbol: str
    context: Context


@dataclass(frozen=True, slots=True)
class SoftirqBegun(Event):
    """irq_exit() began to run softirqs on top of what was interrupted."""

    name: ClassVar[str] = "softirq"

    task: str


@dataclass(frozen=True, slots=True)
class NmiTaken(Event):
    """A non-maskable interrupt was taken."""

    name: ClassVar[str] = "nmi"

    ip: Hex
    symbol: str
    context: Context


@dataclass(frozen=True, slots=True)
class MachineCheckTaken(Event):
    """A machine check was taken."""

    name: ClassVar[str] = "mce"

    ip: Hex
    symbol: str
    context: Context


@dataclass(frozen=True, slots=True)
class Faulted(Event):
    """The CPU delivered an exception other than #BP, NMI and #MC."""

    name: ClassVar[str] = "fault"

    vector: int
    mnemonic: str
    error_code: Hex
    ip: Hex
    symbol: str


# --- the trap's way out --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GapOpened(Event):
    """The int3 entry copied its frame six words down; `iretq` will pop the copy at `addr`."""

    name: ClassVar[str] = "gap-opened"

    addr: Hex
    hardware: Hex
    words: int


@dataclass(frozen=True, slots=True)
class FrameRewritten(Event):
    """The handler changed a word of a frame that `iretq` has yet to pop. `field`: ip, cs, flags, sp, ss."""

    name: ClassVar[str] = "frame-rewritten"

    field: str
    addr: Hex
    old: Hex
    new: Hex
    old_symbol: str
    new_symbol: str


@dataclass(frozen=True, slots=True)
class StackAccess(Event):
    """One access to an int3 stack. `access` is the word it touched, `depth` what memory holds after it."""

    owner: str
    task: str
    index: int
    value: Hex
    depth: int
    context: Context
    access: str
    addr: Hex


@dataclass(frozen=True, slots=True)
class PushBegun(StackAccess):
    """The first of the two stores of a push."""

    name: ClassVar[str] = "push-begun"


@dataclass(frozen=True, slots=True)
class SlotPushed(StackAccess):
    """The second of the two stores of a push: the slot names this context's return address."""

    name: ClassVar[str] = "slot-pushed"


@dataclass(frozen=True, slots=True)
class PopBegun(StackAccess):
    """The first of the two accesses of a pop."""

    name: ClassVar[str] = "pop-begun"


@dataclass(frozen=True, slots=True)
class SlotPopped(StackAccess):
    """The second of the two accesses of a pop: the slot is free again."""

    name: ClassVar[str] = "slot-popped"


@dataclass(frozen=True, slots=True)
class IretExecuted(Event):
    """`iretq` popped the frame at `addr` that `vector` had pushed; RIP is now `ip`."""

    name: ClassVar[str] = "iret"

    vector: int
    addr: Hex
    ip: Hex
    symbol: str
    sp: Hex


@dataclass(frozen=True, slots=True)
class StubEntered(Event):
    """RIP stands on a stub, in the interrupted context."""

    name: ClassVar[str] = "stub-entered"

    stub: str
    task: str
    context: Context


@dataclass(frozen=True, slots=True)
class CallEmulated(Event):
    """RIP stands on the call's target and the stack holds its return address, as after a real call."""

    name: ClassVar[str] = "call-emulated"

    site: Hex
    symbol: str
    target: Hex
    target_symbol: str
    return_address: Hex
    sp: Hex
    context: Context


# --- what the call was for -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FopsCalled(Event):
    """A tracing callback was entered: `op` runs for the site `ip`, called from `parent_ip`; `regs` is 0 for NULL."""

    name: ClassVar[str] = "fops-called"

    op: str
    func: str
    ip: Hex
    symbol: str
    parent_ip: Hex
    parent_symbol: str
    regs: Hex
    context: Context


@dataclass(frozen=True, slots=True)
class FopsMissed(Event):
    """An entry went by without `op`. `allowed`: the site was a nop before or is one after the change."""

    name: ClassVar[str] = "fops-missed"

    op: str
    ip: Hex
    symbol: str
    allowed: bool


@dataclass(frozen=True, slots=True)
class OldBodyRan(Event):
    """RIP stands in the old body of a function whose live patch is in force."""

    name: ClassVar[str] = "old-body-ran"

    ip: Hex
    symbol: str
    function: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Redirected(Event):
    """The trampoline returned into the new function instead of the old one."""

    name: ClassVar[str] = "redirected"

    function: str
    ip: Hex
    replacement: str


# --- the scheduler -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Preempted(Event):
    """retint_kernel called the scheduler before its `iretq`; `depth` slots of `task` are occupied."""

    name: ClassVar[str] = "preempted"

    task: str
    depth: int


@dataclass(frozen=True, slots=True)
class Migrated(Event):
    """A task runs on another CPU than before; `depth` slots of it are occupied."""

    name: ClassVar[str] = "migrated"

    task: str
    from_cpu: int
    depth: int


@dataclass(frozen=True, slots=True)
class Forked(Event):
    """arch_dup_task_struct() has copied a task; `depth` is what the child inherited, `addr` where its copy lies."""

    name: ClassVar[str] = "forked"

    parent: str
    child: str
    depth: int
    addr: Hex


@dataclass(frozen=True, slots=True)
class Halted(Event):
    """The CPU executed `hlt`."""

    name: ClassVar[str] = "halted"

    ip: Hex
    symbol: str


#: Every event that can be raised; `K>EVENT` in a schedule takes these names.
EVENTS: Final[tuple[type[Event], ...]] = (
    TextWritten, FetchViewChanged, PatchPhaseBegun, IpiSent, IpiTaken, CoreSynced,
    BreakpointHit, FramePushed, Interrupted, SoftirqBegun, NmiTaken, MachineCheckTaken, Faulted,
    GapOpened, FrameRewritten, PushBegun, SlotPushed, PopBegun, SlotPopped, IretExecuted, StubEntered, CallEmulated,
    FopsCalled, FopsMissed, OldBodyRan, Redirected,
    Preempted, Migrated, Forked, Halted,
)  # fmt: skip
EVENT_NAMES: Final = tuple(event.name for event in EVENTS)
