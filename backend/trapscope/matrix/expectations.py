"""The matrix: what kernel-facts, the manual and the patch's review predict for every run worth making.

Typed by hand, one reason each; nothing in here was generated from a run. Where a run disagrees, one of the two is
wrong, and it is not edited away here without knowing which.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from trapscope.core.types import DEFAULT_MAX_STEPS, FetchModel, Verdict
from trapscope.matrix.row import Row, Sweep

_OK, _VIOLATED = Verdict.OK, Verdict.VIOLATED
_EMULATING: Final = ("thread", "percpu", "gap")
_SHARED_STACK: Final = ("thread", "percpu")
_PATH: Final = frozenset({"int3", "slot-pushed", "frame-rewritten", "stub-entered", "slot-popped", "call-emulated"})
_NO_STACK: Final = frozenset({"slot-pushed", "stub-entered", "slot-popped"})
#: 500 random schedules of each live scenario: 250 under each of two designs, no seed twice.
_SEEDS_EACH: Final = 250


def _row(
    scenario: str,
    design: str,
    why: str,
    *variants: str,
    verdict: Verdict = _OK,
    must: Iterable[str] = (),
    never: Iterable[str] = (),
    breaks: Iterable[str] = (),
    schedule: str = "",
    fetch: FetchModel = FetchModel.COHERENT,
    cpus: int | None = None,
    sweep: Sweep = Sweep.ONCE,
    points: range = range(0),
    max_steps: int = DEFAULT_MAX_STEPS,
) -> Row:
    broken = frozenset(breaks)
    if broken:
        verdict = _VIOLATED
    return Row(
        scenario, design, variants, verdict, why, frozenset(must), frozenset(never), broken, schedule, fetch, cpus,
        sweep, points, max_steps,
    )  # fmt: skip


# fmt: off
def _calls() -> Iterator[Row]:
    yield _row("first-call", "skip", "the fops is missed, which is allowed: the old instruction is a nop",
               must=("int3", "fops-missed"), never=_NO_STACK)
    yield _row("first-call", "thread", "the path of the patch, once",
               must=_PATH | {"fops-called", "flags-preserved"}, never=("fops-missed",))
    yield _row("first-call", "percpu", "nothing moves the task: a per-CPU stack does as well",
               must=_PATH | {"fops-called"}, never=("fops-missed",))
    yield _row("first-call", "gap", "the merged design: no stack, no stub, and RFLAGS untouched",
               must=("call-emulated", "gap-opened", "fops-called"), never=_NO_STACK | {"flags-preserved"})
    yield _row("livepatch-window", "skip", "call to call: stepping over it runs the old body",
               must=("old-body-ran", "fops-missed"), breaks=("calls-once", "livepatch-consistent"))
    for design in _EMULATING:
        yield _row("livepatch-window", design, "call to call: the emulated call reaches the live patch",
                   must=("redirected", "fops-called"), never=("old-body-ran", "fops-missed"))
        yield _row("trampoline-site", design, "the trampoline's own call is emulated to the list function",
                   must=("call-emulated", "fops-called"))
        yield _row("fork", design, "process context, nothing pending: the copy has depth 0", must=("forked",))
    yield _row("fork", "skip", "call to call: stepping over it loses the parent's fops", must=("forked",),
               breaks=("calls-once",))
    yield _row("trampoline-site", "skip", "the trampoline's call is a call before and after: it must not be lost",
               must=("fops-missed",), breaks=("calls-once",))
    yield _row("livepatch-window", "thread", "ftrace_caller has no regs, so the live patch is not called at all",
               "caller-not-regs", must=("fops-called", "fops-missed", "old-body-ran"),
               breaks=("calls-once", "livepatch-consistent"))
    yield _row("first-call", "thread", "the handler runs into a breakpoint itself, and again, until its stack is full",
               "traced-handler", verdict=_VIOLATED, must=("no-unexpected-fault",))
    yield _row("trampoline-site", "thread", "lea only: the callback sees RFLAGS as they were", "flags-exact",
               never=("flags-preserved",))
    yield _row("four-contexts", "thread", "lea only, in every context", "flags-exact", never=("flags-preserved",))


def _contexts() -> Iterator[Row]:
    for design in _SHARED_STACK:
        yield _row("four-contexts", design, "process, softirq, irq and nmi each hold a slot, and unwind in order",
                   must=("softirq", "irq", "nmi", "flags-preserved"))
        yield _row("fifth", design, "a machine check finds no slot: its call is missed, and nothing else happens",
                   must=("mce",), breaks=("calls-once",))
    yield _row("four-contexts", "gap", "every context has room on the stack that it interrupted",
               must=("softirq", "irq", "nmi"), never=_NO_STACK | {"flags-preserved"})
    yield _row("fifth", "gap", "no slots to run out of", must=("mce",))
    yield _row("fifth", "thread", "without the bound the fifth push lands on the task's state", "unchecked-depth",
               verdict=_VIOLATED, must=("neighbours-untouched", "depth-in-bounds"))
    for design in _EMULATING:
        yield _row("nmi-in-nmi", design, "the nesting protocol saves the first NMI's frame", must=("nmi",))
    for design in _SHARED_STACK:
        yield _row("nmi-in-nmi", design, "without it the second NMI overwrites the first one's frame; the first then "
                   "returns into itself, and pops what is not there", "plain-nmi", verdict=_VIOLATED,
                   must=("frame-intact",))
    yield _row("nmi-in-nmi", "gap", "the same, with nothing to pop: the first NMI returns into itself for ever",
               "plain-nmi", verdict=Verdict.OUT_OF_STEPS, must=("frame-intact",), max_steps=20_000)
    yield _row("nmi-in-handler", "percpu", "depth first, on the CPU's stack", must=("nmi",))
    yield _row("irq-in-stub", "percpu", "read first, from the CPU's stack", must=("irq",))
    yield _row("nmi-in-handler", "gap", "nothing is shared: an NMI anywhere in the handler does no harm", must=("nmi",),
               sweep=Sweep.EVERY_HANDLER_BOUNDARY)
    yield _row("nmi-in-handler", "thread", "depth first: an NMI anywhere in the handler finds its own slot",
               must=("nmi",), sweep=Sweep.EVERY_HANDLER_BOUNDARY)
    yield _row("nmi-in-handler", "thread", "slot first: an NMI between the two stores takes the same slot",
               "slot-first", verdict=_VIOLATED, must=("nmi", "slot-integrity"), sweep=Sweep.EVERY_HANDLER_BOUNDARY)
    yield _row("irq-in-stub", "thread", "read first: an interrupt anywhere in the stub leaves the slot alone",
               must=("irq",), sweep=Sweep.EVERY_STUB_BOUNDARY)
    yield _row("irq-in-stub", "thread", "lowered first: an interrupt between the two accesses takes the slot",
               "lower-first", verdict=_VIOLATED, must=("irq", "slot-integrity"), sweep=Sweep.EVERY_STUB_BOUNDARY)


def _tasks_and_room() -> Iterator[Row]:
    yield _row("preempt-migrate", "thread", "the stack travels with the task", must=("preempted", "migrated"))
    yield _row("preempt-migrate", "gap", "the return address is on the task's own stack",
               must=("preempted", "migrated"))
    yield _row("preempt-migrate", "percpu", "the address stays behind on the first CPU", verdict=_VIOLATED,
               must=("preempted", "migrated", "slot-integrity"))
    yield _row("preempt-migrate", "thread", "traced, it traps with a slot pending: one process context holds two",
               "traced-preempt", must=("preempted",))
    yield _row("stack-room", "skip", "call to call: stepping over it loses the fops", breaks=("calls-once",))
    for design in _EMULATING:
        yield _row("stack-room", design, "RSP % 16 = 0: the stub or the gap makes room", must=("fops-called",))
        yield _row("stack-room", design, "RSP % 16 = 8: likewise", "rsp-8", must=("fops-called",))
    yield _row("stack-room", "gap", "the return address lands where SS was: #GP at the iretq", "no-gap",
               must=("fault",), breaks=("no-unexpected-fault",))
    yield _row("stack-room", "gap", "the return address lands on the alignment padding: ok by luck", "no-gap", "rsp-8",
               must=("fops-called",))


def _live() -> Iterator[Row]:
    scenarios = {
        "patch-live": "nop to call while another CPU calls",
        "disable-live": "call to nop while another CPU calls",
        "livepatch-live": "call to call while another CPU calls: the live patch holds",
        "two-sites": "many sites in a pass, every CPU trapping",
        "trampoline-site": "the trampoline's own call",
    }
    seed = 0
    for scenario, why in scenarios.items():
        for design in ("thread", "gap"):
            yield _row(scenario, design, why, sweep=Sweep.QUANTA)
            yield _row(scenario, design, why, sweep=Sweep.RANDOM, points=range(seed, seed + _SEEDS_EACH))
            seed += _SEEDS_EACH
    for cpus in (3, 4):
        yield _row("two-sites", "thread", f"{cpus} CPUs, each with its own task's stack", cpus=cpus)
    yield _row("livepatch-live", "skip", "whoever traps in the window runs the old body", schedule="rr*7",
               breaks=("calls-once", "livepatch-consistent"), must=("old-body-ran",))
    for design in ("skip", "thread"):
        yield _row("patch-live", design, "bytes are replaced under a CPU that executes them", "no-int3",
                   schedule="rr*7", verdict=_VIOLATED, must=("no-torn-fetch",))


def _text() -> Iterator[Row]:
    weak = FetchModel.WEAK
    yield _row("torn", "thread", "with breakpoint and syncs no mixture is ever an instruction", fetch=weak,
               sweep=Sweep.TORN)
    for variant, why in {
        "no-sync-1": "old first byte with new tail bytes",
        "no-sync-2": "new first byte with old tail bytes",
        "no-int3": "any mixture of old and new",
    }.items():
        yield _row("torn", "thread", why, variant, fetch=weak, breaks=("no-torn-fetch",), sweep=Sweep.TORN)
    for variant in ("no-sync-3", "early-done"):
        yield _row("torn", "thread", "the tail is new everywhere before the first byte: never torn", variant,
                   fetch=weak, sweep=Sweep.TORN)
        yield _row("late-handler", "thread", "the trap is taken, and nobody claims it any more", variant,
                   breaks=("no-unexpected-fault",), never=("no-torn-fetch",))
    for design in ("thread", "gap"):
        yield _row("late-handler", design, "the last sync waits for the handler, which has interrupts off",
                   must=("int3", "call-emulated"))


# fmt: on
EXPECTATIONS: Final[tuple[Row, ...]] = (*_calls(), *_contexts(), *_tasks_and_room(), *_live(), *_text())
