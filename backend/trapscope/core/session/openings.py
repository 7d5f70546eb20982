"""What is told at moment 0 of each scenario: what stands there now, and what will happen.

The text speaks of the present only where `sites` and `cpus` say the same of the state at moment 0, which a test holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

NOP: Final = "nop"
CALL: Final = "call ftrace_caller"
KLP_CALL: Final = "call klp_trampoline"
DIRECT_CALL: Final = "call tracer_func"
#: The function that a CPU stands in, and its task.
WORKER: Final = ("scenario_start", "worker")
PATCHER: Final = ("wait_for_start", "patcher")
IDLE: Final = ("cpu_idle", "swapper/1")


@dataclass(frozen=True, slots=True)
class Opening:
    """The text, and what must be so at moment 0: what each site holds, where each CPU stands. No slot is taken then."""

    text: str
    sites: Mapping[str, str]
    cpus: tuple[tuple[str, str], ...] = (WORKER,)


OPENINGS: Final = {
    "first-call": Opening(
        "traced_fn begins with a five-byte nop, and nobody has touched it yet. The patcher, on this CPU, will write "
        "int3 over its first byte and, before it goes on, call the function as another CPU might. What the trap "
        "handler then does is the design: under thread it saves the address behind the site in the task's "
        "ftrace_int3_stack and lets its iret frame lead to a stub, which makes the call in the interrupted context.",
        {"traced_fn": NOP},
    ),
    "livepatch-window": Opening(
        "patched_fn begins with a call to klp_trampoline: a live patch is in force and sends every entry to the new "
        "body. A tracer will be added, and the site will change from this call to another. Whoever enters the "
        "function in between, as this CPU will, must still reach the new body: step over the site, and the patched "
        "bug is back.",
        {"patched_fn": KLP_CALL},
    ),
    "livepatch-live": Opening(
        "As in livepatch-window, patched_fn begins with a call to klp_trampoline. CPU 0 will keep calling the "
        "function; CPU 1 waits for the start and will then rewrite the site. Every entry, at whatever byte of "
        "whatever pass, must reach the new body.",
        {"patched_fn": KLP_CALL},
        (WORKER, PATCHER),
    ),
    "patch-live": Opening(
        "traced_fn begins with a nop. CPU 0 will keep calling it; CPU 1 waits for the start and will then put a call "
        "there: int3 over the first byte, sync, the four bytes behind it, sync, the first byte, sync. The calls "
        "inside the trampolines come first, by the same protocol. Whatever CPU 0 meets on the way must be the old "
        "instruction, the new one, or the breakpoint.",
        {"traced_fn": NOP, "ftrace_call": "call ftrace_stub"},
        (WORKER, PATCHER),
    ),
    "disable-live": Opening(
        "The way back: traced_fn begins with a call to ftrace_caller. CPU 1 waits for the start and will then take "
        "the tracer away, while CPU 0 keeps calling. A trap in that window may still be turned into a call, which "
        "then finds nobody in the list any more: harmless.",
        {"traced_fn": CALL},
        (WORKER, PATCHER),
    ),
    "four-contexts": Opening(
        "traced_fn, traced_softirq, traced_irq and traced_nmi begin with a call to ftrace_caller each, and nothing "
        "is pending: depth is 0. While these calls are changed, a process will run into a breakpoint; before that is "
        "dealt with, a softirq will, on top of it an interrupt, on top of that an NMI. Each pushes one slot of the "
        "same task's stack, and each must find its own when it comes back.",
        {"traced_fn": CALL, "traced_softirq": CALL, "traced_irq": CALL, "traced_nmi": CALL},
    ),
    "fifth": Opening(
        "traced_mce, like the functions of the four other contexts, begins with a call to ftrace_caller, and depth "
        "is 0. Process, softirq, interrupt and NMI will trap on top of each other, and on top of them a machine "
        "check, which is none of the four contexts. There will be no slot left: a warning, and its call is lost, as "
        "if the site were a nop. Without the check for room, the push would land on the task's state, right behind "
        "the last slot.",
        {"traced_fn": CALL, "traced_softirq": CALL, "traced_irq": CALL, "traced_nmi": CALL, "traced_mce": CALL},
    ),
    "nmi-in-handler": Opening(
        "traced_fn and traced_nmi begin with a call to ftrace_caller, and depth is 0. The handler of the first trap "
        "will push by two stores; an NMI will come between them and run into a breakpoint itself. If depth is raised "
        "by then, the NMI takes the next slot; if the slot was written first, the NMI writes over it.",
        {"traced_fn": CALL, "traced_nmi": CALL},
    ),
    "irq-in-stub": Opening(
        "traced_fn and traced_irq begin with a call to ftrace_caller, and depth is 0. The stub will run with "
        "interrupts on and pop by a load and a store; an interrupt will come between the two and run into a "
        "breakpoint itself. If depth is lowered by then, the interrupt pushes onto the slot that has not been read "
        "yet.",
        {"traced_fn": CALL, "traced_irq": CALL},
    ),
    "nmi-in-nmi": Opening(
        "traced_fn and traced_nmi begin with a call to ftrace_caller. NMIs are blocked until an IRET, and the int3 "
        "handler ends in one: an NMI that runs into a breakpoint can be interrupted by the next one, on the same "
        "stack. So it will be here, and the entry code has to keep the first one's frame.",
        {"traced_fn": CALL, "traced_nmi": CALL},
    ),
    "preempt-migrate": Opening(
        "traced_fn begins with a call to ftrace_caller; the worker runs on CPU 0, and CPU 1 is idle. The worker will "
        "trap, and its handler will save the return address; on the way out, before the iretq, the task will be "
        "preempted and then resumed on CPU 1. There its stub looks for the address. A stack in thread_info comes "
        "along; a per-CPU stack does not.",
        {"traced_fn": CALL},
        (WORKER, IDLE),
    ),
    "fork": Opening(
        "traced_fn begins with a call to ftrace_caller, and the worker's depth is 0, as INIT_THREAD_INFO has left "
        "it. After a trap it will fork, and that copies the whole task_struct, the stack in thread_info included. "
        "The copy is right because a task that forks is in process context and has nothing pending.",
        {"traced_fn": CALL},
    ),
    "trampoline-site": Opening(
        "traced_fn begins with a call to ftrace_caller, and the call inside that trampoline, at ftrace_call, goes "
        "straight to tracer_func. A second tracer will come: the trampoline's call must become one to "
        "ftrace_ops_list_func, by the same protocol. Whoever runs into the breakpoint there has most of the "
        "trampoline's work behind them, so a second stub calls the list.",
        {"traced_fn": CALL, "ftrace_call": DIRECT_CALL},
    ),
    "stack-room": Opening(
        "traced_fn begins with a call to ftrace_caller. It will be called with a chosen RSP while its first byte is "
        "int3. The word that a call would write is the one below the interrupted stack pointer, and there the CPU "
        "will put its own frame: with RSP a multiple of 16 it is the saved SS. The merged design makes room first: "
        "the entry copies the frame six words down.",
        {"traced_fn": CALL},
    ),
    "torn": Opening(
        "traced_fn begins with a nop. CPU 0 will keep calling it; CPU 1 waits for the start and will then put a call "
        "there. A CPU may go on decoding bytes that it fetched earlier, byte by byte, until it executes a "
        "serialising instruction. The breakpoint and the syncs make sure that no mixture of old and new bytes is "
        "ever an instruction.",
        {"traced_fn": NOP},
        (WORKER, PATCHER),
    ),
    "late-handler": Opening(
        "traced_fn begins with a nop, and CPU 1 waits for the start. CPU 0 will run into the breakpoint that CPU 1 "
        "puts there, and not yet have asked whose it is while the patcher finishes. Only the last sync, which CPU 0 "
        "answers when its handler has returned, keeps modifying_ftrace_code up for it.",
        {"traced_fn": NOP},
        (WORKER, PATCHER),
    ),
    "two-sites": Opening(
        "traced_fn, traced_second_fn and four more functions begin with a nop. CPU 1 waits for the start and will "
        "then patch in a batch, as ftrace does: one pass over all sites, one sync, the next pass. Meanwhile every "
        "CPU may trap, each on another site, each with its own task's stack.",
        {
            "traced_fn": NOP, "traced_second_fn": NOP, "traced_softirq": NOP, "traced_irq": NOP, "traced_nmi": NOP,
            "traced_mce": NOP,
        },
        (WORKER, PATCHER),
    ),
}  # fmt: skip
