"""One sentence, now and then two, on what an event is in the kernel's terms. Text between backticks is code.

They are the page's own (frontend/src/copy/en.ts), word for word; a test in a real browser holds the two together.
"""

from __future__ import annotations

from typing import Final

from trapscope.core.lens import events as lens
from trapscope.core.reading import vector_name
from trapscope.core.types import Context

CONTEXTS: Final = {context: context.value for context in Context} | {
    Context.NMI: "NMI", Context.MCE: "machine check",
}  # fmt: skip
WORDS: Final = {"ip": "RIP", "cs": "CS", "flags": "RFLAGS", "sp": "RSP", "ss": "SS"}
#: The passes of ftrace_replace_code().
_PHASES: Final = {
    "breakpoints": "First pass: `add_breakpoints()` puts a breakpoint on every site that will change.",
    "sync-1": "First sync: every CPU must have seen the breakpoints before a byte behind them changes.",
    "tails": "Second pass: `add_update()` writes the four bytes behind each breakpoint.",
    "sync-2": "Second sync: every CPU must have seen the new tails before a breakpoint goes.",
    "first-bytes": "Third pass: `finish_update()` replaces each breakpoint by the first byte of the new instruction.",
    "sync-3": "Third sync: no CPU may still take a breakpoint that nobody will claim any more.",
    "synced": "Every CPU has serialised since it was asked to: the sync is over, and the patcher goes on.",
    "done": "The change is complete. `modifying_ftrace_code` drops, and `do_int3()` stops asking ftrace.",
}


def sentence(event: lens.Event, design: str) -> str:
    """What the event tells. Raises TypeError for an event without a sentence."""
    match event:
        case lens.TextWritten():
            return _text_write(event)
        case lens.FetchViewChanged():
            return _fetch_view(event)
        case lens.PatchPhaseBegun():
            return _PHASES.get(event.phase, f"The patcher goes on to its next pass: {event.phase}.")
        case lens.IpiSent():
            to = ", ".join(map(str, event.to))
            if event.delivery == "nmi":
                return f"CPU {event.cpu} sends an NMI to CPU {to}."
            return (
                f"CPU {event.cpu} asks CPU {to} by an inter-processor interrupt to run a function, and will wait until"
                " it has."
            )
        case lens.IpiTaken():
            sent = "" if event.sender < 0 else f" that CPU {event.sender} sent"
            return f"CPU {event.cpu} takes the interrupt{sent}."
        case lens.CoreSynced():
            return (
                f"CPU {event.cpu} returns to itself by `iretq`. That serialises it: whatever it had fetched of the old"
                " bytes is gone."
            )
        case lens.BreakpointHit():
            return (
                f"CPU {event.cpu} fetches {code(event.symbol)} and finds `cc` where the call was: `int3`. It owes"
                " itself exception 3, the breakpoint trap #BP."
            )
        case lens.FramePushed():
            return _frame_pushed(event)
        case lens.Interrupted():
            return (
                f"An interrupt ({vector_name(event.vector)}) is taken at {code(event.symbol)}, in"
                f" {CONTEXTS[event.context]} context."
            )
        case lens.SoftirqBegun():
            return (
                f"Leaving the interrupt, the kernel runs softirqs on top of {code(event.task)}, with interrupts on"
                " again."
            )
        case lens.NmiTaken():
            return (
                f"An NMI arrives at {code(event.symbol)}. It asks nobody: interrupts being off does not hold it back."
            )
        case lens.MachineCheckTaken():
            return f"A machine check arrives at {code(event.symbol)}: a fifth context, on top of whatever was pending."
        case lens.Faulted():
            return f"The CPU raises {event.mnemonic} at {code(event.symbol)}."
        case lens.GapOpened():
            return (
                f"The entry code copies the frame {event.words} words down. What it leaves behind is room for a push"
                " onto the interrupted stack."
            )
        case lens.FrameRewritten():
            return _frame_rewritten(event, design)
        case lens.StackAccess():
            return _stack_access(event, design)
        case lens.IretExecuted():
            if event.vector < 0:
                return f"`iretq` goes to {code(event.symbol)}."
            return (
                f"`iretq` pops the five words of the frame. The CPU goes on at {code(event.symbol)}, on the"
                " interrupted stack."
            )
        case lens.StubEntered():
            return (
                f"`iretq` pops the frame, and the CPU is back in {CONTEXTS[event.context]} context: same stack, same"
                f" registers, but standing on {code(event.stub)} instead of behind the `int3`."
            )
        case lens.CallEmulated():
            return (
                f"RIP stands on {code(event.target_symbol)} and the return address lies on top of the stack: all that"
                " `call` does has been done, in the context that executed the `int3`."
            )
        case lens.FopsCalled():
            regs = ", with all registers to look at and to change" if event.regs else ""
            return (
                f"{code(event.func)} is called for {code(event.symbol)}, on its way from"
                f" {code(event.parent_symbol)}{regs}. The call was not lost."
            )
        case lens.FopsMissed():
            why = (
                "That is allowed here: a nop stood on the site before."
                if event.allowed
                else "although the site was a call before and will be one again."
            )
            joined = f". {why}" if event.allowed else f", {why}"
            return f"{code(event.symbol)} was entered without {code(event.op)} being called{joined}"
        case lens.OldBodyRan():
            return (
                f"RIP stands in the old body of {code(event.function)}, although a live patch has replaced it by"
                f" {code(event.replacement)}. The fix is undone for this call, and nobody is told."
            )
        case lens.Redirected():
            return (
                f"The live patch has changed the saved `ip`: the trampoline returns into {code(event.replacement)}"
                f" instead of {code(event.function)}."
            )
        case lens.Preempted() | lens.Migrated():
            return _moved(event, design)
        case lens.Forked():
            child = "a new task" if event.child == event.parent else code(event.child)
            return (
                f"`arch_dup_task_struct()` has copied {code(event.parent)} to {child}, the int3 stack included: the"
                f" child begins with depth {event.depth}."
            )
        case lens.Halted():
            return f"CPU {event.cpu} executes `hlt`."
        case _:
            raise TypeError(f"no sentence for {event!r}")


def code(name: str) -> str:
    """A name between backticks, without +0x0."""
    return f"`{name.removesuffix('+0x0')}`"


def _fetch_view(event: lens.FetchViewChanged) -> str:
    seen = f"CPU {event.cpu} would decode {_bytes(event.seen)} at {code(event.symbol)}"
    if event.cause == "stored":
        return f"{seen}: it has not fetched what was just written, and need not before it serialises."
    if event.cause == "serialised":
        return (
            f"{seen}, as memory has it: it executed a serialising instruction, and whatever it had fetched before is"
            " gone."
        )
    some = "some" if event.stale else "all"
    return (
        f"{seen}: the schedule lets it see {some} of the new bytes. Nothing but a serialising instruction could have"
        " made it."
    )


def _text_write(event: lens.TextWritten) -> str:
    site = code(event.symbol.partition("+")[0])
    if event.part == "breakpoint":
        return (
            f"The patcher writes `cc` over the first byte of {site}, through the text’s writable alias. Whoever fetches"
            " that byte takes a breakpoint."
        )
    if event.part == "tail":
        return (
            f"The four bytes behind the breakpoint become {_bytes(event.new)}, the rest of the new instruction. Nobody"
            " decodes them: everybody stops at the `int3` in front."
        )
    if event.part == "first-byte":
        return (
            f"The breakpoint gives way to {_bytes(event.new)}. The five bytes are one instruction again: the new one."
        )
    return f"Kernel text changes at {code(event.symbol)}: {_bytes(event.old)} becomes {_bytes(event.new)}."


def _frame_pushed(event: lens.FramePushed) -> str:
    if event.vector == 3:
        return (
            "The CPU delivers #BP: it aligns RSP to 16 and pushes SS, RSP, RFLAGS, CS and RIP onto the interrupted"
            f" stack. RIP is {code(event.symbol)}, behind the `cc`. Interrupts are off; {code(event.handler)} begins."
        )
    return (
        f"The CPU delivers {vector_name(event.vector)}: five words go onto the stack, and {code(event.handler)} begins."
        f" {code(event.symbol)} will go on afterwards."
    )


def _frame_rewritten(event: lens.FrameRewritten, design: str) -> str:
    old, new = code(event.old_symbol), code(event.new_symbol)
    if event.field == "sp":
        return (
            "The handler lowers the frame’s `RSP` by a word: the return address that it pushes will lie on top when"
            " `iretq` is done."
        )
    if event.field != "ip":
        return f"The handler changes the frame’s `{WORDS[event.field]}`."
    if design == "skip":
        return (
            f"The handler moves the frame’s `RIP` on to {new}, behind the five bytes. The call is treated as a nop:"
            " whoever wanted to be called is not."
        )
    if "_stub_" in event.new_symbol:
        return (
            f"The handler points the frame’s `RIP` at a stub. When `iretq` pops the frame, the CPU will go on at {new}"
            f" instead of {old}, with the interrupted task’s own stack and registers as they were."
        )
    return f"The handler points the frame’s `RIP` at {new} instead of {old}."


def _stack_access(event: lens.StackAccess, design: str) -> str:
    slot = f"`slots[{event.index}]`"
    by_depth = event.access == "depth"
    match event:
        case lens.PushBegun():
            if by_depth:
                return (
                    f"The handler raises `depth` to {event.depth} before it fills {slot}: an NMI that traps in between"
                    " must find the slot taken."
                )
            return (
                f"The handler writes {slot} before it raises `depth`: an NMI that traps now would take the same slot."
            )
        case lens.SlotPushed():
            if by_depth:
                return (
                    f"`depth` is raised to {event.depth} only now: {slot} counts as taken, with whatever lies in it by"
                    " now."
                )
            where = (
                "It lies in this CPU’s area: should the task go elsewhere, it stays behind."
                if design == "percpu"
                else "It lies in thread_info, so it goes wherever the task goes."
            )
            return f"{slot} now holds the address behind the five bytes: what a real call would have pushed. {where}"
        case lens.PopBegun():
            if by_depth:
                return (
                    f"The stub lowers `depth` to {event.depth} before it has read {slot}: a trap now would overwrite"
                    " it."
                )
            return (
                f"The stub reads {slot} while `depth` still says {event.depth}: an interrupt that traps now takes the"
                " next slot, not this one."
            )
        case _:
            if by_depth:
                return (
                    f"`depth` goes down to {event.depth} and {slot} is free. The address it held is on its way to the"
                    " stack, where a call would have put it."
                )
            return (
                f"The stub reads {slot} only now, after `depth` has called it free: whatever lies in it by now is taken"
                " for the return address."
            )


def _moved(event: lens.Preempted | lens.Migrated, design: str) -> str:
    pending = f"{event.depth} address{'' if event.depth == 1 else 'es'} pending"
    if isinstance(event, lens.Preempted):
        where = "and what its trap has pushed lies in this CPU’s stack." if design == "percpu" else f"with {pending}."
        return f"On its way out of the trap the kernel lets another task run. {code(event.task)} is put aside, {where}"
    where = (
        f"What its trap had pushed lies in CPU {event.from_cpu}’s stack, and stays there."
        if design == "percpu"
        else f"Its thread_info came along, with {pending}."
    )
    return f"{code(event.task)} goes on, on CPU {event.cpu} instead of CPU {event.from_cpu}. {where}"


def _bytes(data: bytes) -> str:
    return f"`{data.hex(' ')}`"
