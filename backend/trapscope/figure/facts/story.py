"""The story's sentence at a moment: the weightiest event of the step just made, or what that step is there for.

The words are the page's own (frontend/src/copy/en.ts and state/story.ts), as in sentences.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from trapscope.core.lens import Event, Finding
from trapscope.core.types import RIP, Severity, Verdict
from trapscope.figure.facts.code import compact
from trapscope.figure.facts.sentences import code, sentence
from trapscope.figure.scene import Scene

#: Where one step raises several events, the one that the others explain comes first.
_WEIGHT: Final = (
    "fault", "old-body-ran", "fops-missed", "redirected", "fops-called", "call-emulated", "stub-entered",
    "frame-rewritten", "slot-pushed", "slot-popped", "int3", "gap-opened", "preempted", "migrated", "forked",
    "softirq", "sync-core", "text-write", "fetch-view", "patch-phase", "ipi-sent", "nmi", "mce", "irq",
    "ipi-taken", "frame-pushed", "iret",
)  # fmt: skip

#: What a function of the guest is there for: told while a step in it means nothing of its own.
_ROLES: Final = {
    "int3": (
        "The entry code saves the registers under the frame, which makes it a `struct pt_regs`, and calls `do_int3`."
    ),
    "int3_create_gap": "The entry code makes room under the frame, saves the registers and calls `do_int3`.",
    "do_int3": (
        "`do_int3` asks ftrace first of all: is code being rewritten right now, and is this breakpoint one of its own?"
    ),
    "ftrace_int3_handler": (
        "`ftrace_int3_handler` looks up whether the trapping address is a site that ftrace is rewriting."
    ),
    "ftrace_location": "`ftrace_location` searches the records for the trapping address.",
    "int3_thread_emulate": "The handler promises the call: return address into the task’s stack, stub into the frame.",
    "int3_skip_emulate": "The handler lets the call fall through.",
    "int3_percpu_emulate": "The handler promises the call: return address into the CPU’s stack, stub into the frame.",
    "int3_gap_emulate": "The handler pushes the return address onto the interrupted stack itself, into the gap.",
    "error_exit": "On the way out the entry code restores the registers; the frame is the last thing left.",
    "ftrace_int3_stub_regs_caller": (
        "The stub makes room for a return address and fetches it from the task’s stack, leaving every "
        "register as it was."
    ),
    "ftrace_int3_stub_list_func": (
        "The stub makes room for a return address and fetches it from the task’s stack, leaving every "
        "register as it was."
    ),
    "ftrace_caller": "The trampoline saves what a C function may clobber and calls the tracer.",
    "ftrace_regs_caller": (
        "The trampoline builds a `struct pt_regs` of all registers, so that a tracer can look at them and "
        "change where to go."
    ),
    "klp_trampoline": "The live patch’s own trampoline builds a `struct pt_regs` and calls the live patch.",
    "ftrace_ops_list_func": (
        "`ftrace_ops_list_func` walks the list of ops and calls those whose filter has this address."
    ),
    "klp_ftrace_handler": "The live patch’s callback changes the saved `ip`: that is how a function is replaced.",
    "ftrace_replace_code": (
        "`ftrace_replace_code` rewrites all sites in three passes, with a sync of all CPUs after each."
    ),
    "add_breakpoints": (
        "`add_breakpoints` checks that the site holds the bytes it expects, and puts a breakpoint on it."
    ),
    "add_update": "`add_update` writes the tail of the new instruction behind the breakpoint.",
    "finish_update": "`finish_update` replaces the breakpoint by the first byte of the new instruction.",
    "run_sync": "`run_sync` makes every CPU execute a serialising instruction, and waits for all of them.",
    "sync_core": "`sync_core` serialises this CPU by an `iretq` to itself.",
    "text_poke": "The store goes to the text’s alias in the direct map; the text itself is read-only.",
}

#: The few instructions that deserve a sentence of their own though they raise no event: function, instruction, words.
_NOTES: Final = (
    (r"_stub_", r"^(sub rsp|lea rsp)", "The stub makes room on the stack for the return address."),
    (r"_stub_", r"^push", "The stub saves the registers that it needs, below the room that it has made."),
    (
        r"_stub_",
        r"gs:\[?current_task",
        "The stub asks for the current task. On whatever CPU this is by now, it is the task that executed the `int3`.",
    ),
    (
        r"_stub_",
        r"^mov \[rsp",
        "The stub puts the address into the room that it has made: there a `call` would have pushed it.",
    ),
    (r"_stub_", r"^pop", "The registers get back what they held. Nothing will show that the stub was here."),
    (r"^int3", r"^push -1", "The entry code pushes −1 where a system call’s number would be: `orig_ax`."),
    (r"^int3", r"^mov rdi, rsp", "The stack pointer is now the `regs` that `do_int3` gets: the frame is its top end."),
    (r"^error_exit", r"^add rsp, 8", "`orig_ax` is dropped. What is left is the frame, for `iretq`."),
)

_VERDICTS: Final = {
    Verdict.OK: "All checks held.",
    Verdict.VIOLATED: "A check did not hold.",
    Verdict.OUT_OF_STEPS: "The run used up its steps.",
    Verdict.STUCK: "Every CPU waits: the run is stuck.",
    Verdict.SHUTDOWN: "The CPU shut down (triple fault).",
}


@dataclass(frozen=True, slots=True)
class Story:
    """`detail` is the instruction just executed, where no event says more; code between backticks."""

    sentence: str
    detail: str
    findings: tuple[Finding, ...]


def story_at(scene: Scene) -> Story:
    """What there is to tell."""
    session, moment = scene.session, scene.moment
    length = len(session.trace)
    findings = tuple(f for f in session.findings if f.moment == moment - 1 or (f.moment >= length == moment))
    if moment == 0:
        function = scene.names.owner(scene.state.regs[0][RIP]) or "?"
        return Story(f"CPU 0 stands at {code(function)}.", "", findings)
    event = weightiest([event for event in session.events if event.moment == moment - 1])
    if event is not None:
        return Story(sentence(event, scene.spec.design), "", findings)
    if session.verdict is not None and moment == length:
        over = "The scenario is over." if session.verdict is Verdict.OK else "The run is over."
        return Story(f"{_VERDICTS[session.verdict]} {over}", "", findings)
    step = scene.step(moment - 1)
    text = compact(session.image.disassembler.text(step.rip, step.code))
    place = session.image.name(step.rip) or f"{step.rip:#x}"
    function = place.partition("+")[0]
    note = next((says for inside, insn, says in _NOTES if re.search(inside, function) and re.search(insn, text)), None)
    told = note or _ROLES.get(function) or f"CPU {step.cpu} goes on in {code(function)}."
    return Story(told, f"CPU {step.cpu} executed `{text}` at {code(place)}", findings)


def weightiest(events: list[Event]) -> Event | None:
    """The one to tell; the earlier one where two weigh the same."""
    return min(
        events, key=lambda event: _WEIGHT.index(event.name) if event.name in _WEIGHT else len(_WEIGHT), default=None
    )


def finding_text(finding: Finding) -> str:
    """A finding as a sentence."""
    return f"{'Note' if finding.severity is Severity.NOTE else 'Violated'}: `{finding.check}`. {finding.detail}"
