# What the story says at a moment. Which message is told, and that it is true there, is core/telling's business.
# .brief is the same for those who watch it play. Text between backticks is code. $cpu and the like are texts, already as people read them; $count is a number.

## At the start, at the end, and on a step that means nothing of its own

start = CPU { $cpu } stands at `{ $function }`.
start-hint = Press Play, or step through it with the arrow keys.
end-ok = All checks held. The scenario is over.
end-violated = A check did not hold. The run is over.
end-out-of-steps = The run used up its steps. The run is over.
end-stuck = Every CPU waits: the run is stuck. The run is over.
end-shutdown = The CPU shut down. The run is over.
step = CPU { $cpu } goes on in `{ $function }`.
step-detail = CPU { $cpu } executed `{ $insn }` at `{ $place }`

## The patcher

text-write-breakpoint = The patcher writes `cc` over the first byte of `{ $site }`, through the text’s writable alias. Whoever fetches that byte takes a breakpoint.
    .brief = `cc` goes over the first byte of `{ $site }`.
text-write-tail = The four bytes behind the breakpoint become `{ $new }`, the rest of the new instruction. Nobody decodes them: everybody stops at the `int3` in front.
    .brief = The tail becomes `{ $new }`, behind the `int3`.
text-write-tail-seen = The four bytes behind the breakpoint become `{ $new }`, the rest of the new instruction. CPU { $cpus } has not fetched the `int3` in front yet: it may decode the old first byte with these behind it.
    .brief = The tail becomes `{ $new }`; CPU { $cpus } has not seen the `int3`.
text-write-tail-bare = Four bytes of `{ $site }` become `{ $new }`, the rest of the new instruction. No `int3` stands in front: whoever comes by decodes the old first byte with them.
    .brief = The tail becomes `{ $new }`, and no `int3` is in front.
text-write-first-byte = The breakpoint gives way to `{ $new }`. The five bytes in memory are one instruction again: the new one.
    .brief = `{ $new }` replaces the `cc`: one instruction again.
text-write-other = Kernel text changes at `{ $symbol }`: `{ $old }` becomes `{ $new }`.
    .brief = Kernel text changes at `{ $symbol }`.
fetch-view-stored = CPU { $cpu } would decode `{ $seen }` at `{ $symbol }`: it has not fetched what was just written, and need not before it serialises.
    .brief = CPU { $cpu } still sees `{ $seen }` at `{ $symbol }`.
fetch-view-serialised = CPU { $cpu } would decode `{ $seen }` at `{ $symbol }`, as memory has it: it executed a serialising instruction, and whatever it had fetched before is gone.
    .brief = CPU { $cpu } sees `{ $seen }` now: it has serialised.
fetch-view-all = CPU { $cpu } would decode `{ $seen }` at `{ $symbol }`: the schedule lets it see all of the new bytes. Nothing but a serialising instruction could have made it.
    .brief = CPU { $cpu } happens to see `{ $seen }` now.
fetch-view-some = CPU { $cpu } would decode `{ $seen }` at `{ $symbol }`: the schedule lets it see some of the new bytes. Nothing but a serialising instruction could have made it.
    .brief = CPU { $cpu } sees a mixture: `{ $seen }`.
patch-phase-breakpoints = First pass: `add_breakpoints()` puts a breakpoint on every site that will change.
    .brief = First pass: breakpoints on all sites.
patch-phase-sync-1 = First sync: every CPU must have seen the breakpoints before a byte behind them changes.
    .brief = First sync: every CPU must see the breakpoints.
patch-phase-tails = Second pass: `add_update()` writes the four bytes behind each breakpoint.
    .brief = Second pass: the bytes behind each breakpoint.
patch-phase-sync-2 = Second sync: every CPU must have seen the new tails before a breakpoint goes.
    .brief = Second sync: every CPU must see the tails.
patch-phase-first-bytes = Third pass: `finish_update()` replaces each breakpoint by the first byte of the new instruction.
    .brief = Third pass: the first bytes of the new instructions.
patch-phase-sync-3 = Third sync: no CPU may still take a breakpoint that nobody will claim any more.
    .brief = Third sync: no breakpoint may be taken any more.
patch-phase-synced = Every CPU has serialised since it was asked to: the sync is over, and the patcher goes on.
    .brief = Every CPU has serialised: the patcher goes on.
patch-phase-done = The change is complete. `modifying_ftrace_code` drops, and `do_int3()` stops asking ftrace.
    .brief = The change is complete.
patch-phase-other = The patcher goes on to its next pass: { $phase }.
ipi-sent = CPU { $cpu } asks CPU { $to } by an inter-processor interrupt to run a function, and will wait until it has.
    .brief = CPU { $cpu } sends CPU { $to } an interrupt, and waits.
ipi-sent-nmi = CPU { $cpu } sends an NMI to CPU { $to }.
ipi-taken = CPU { $cpu } takes the interrupt that CPU { $sender } sent.
    .brief = CPU { $cpu } takes the interrupt of CPU { $sender }.
ipi-taken-outside = CPU { $cpu } takes the interrupt.
sync-core = CPU { $cpu } returns to itself by `iretq`. That serialises it: whatever it had fetched of the old bytes is gone.
    .brief = CPU { $cpu } serialises itself by `iretq`.

## Into the breakpoint

int3 = CPU { $cpu } fetches `{ $symbol }` and finds `cc`: `int3`. It owes itself exception 3, the breakpoint trap #BP.
    .brief = CPU { $cpu } runs into the `int3` at `{ $symbol }`.
int3-call = CPU { $cpu } fetches `{ $symbol }` and finds `cc` where the call was: `int3`. It owes itself exception 3, the breakpoint trap #BP.
    .brief = CPU { $cpu } finds `cc` where the call was: `int3`.
int3-nop = CPU { $cpu } fetches `{ $symbol }` and finds `cc` where a nop was, and a call will be: `int3`. It owes itself exception 3, the breakpoint trap #BP.
    .brief = CPU { $cpu } finds `cc` where a nop was: `int3`.
int3-stale = CPU { $cpu } fetches `{ $symbol }` and finds the `cc` that memory no longer has: it has not fetched what was written there since. It owes itself exception 3, the breakpoint trap #BP.
    .brief = CPU { $cpu } finds the `cc` that memory no longer has.
frame-pushed-bp = The CPU delivers #BP: it aligns RSP to 16 and pushes SS, RSP, RFLAGS, CS and RIP onto the interrupted stack. RIP is `{ $symbol }`, behind the `cc`. Interrupts are off; `{ $handler }` begins.
    .brief = The CPU pushes five words: the iret frame of #BP.
frame-pushed = The CPU delivers { $vector }: five words go onto the stack, and `{ $handler }` begins. `{ $symbol }` will go on afterwards.
    .brief = The CPU delivers { $vector }: an iret frame.
irq = An interrupt ({ $vector }) is taken at `{ $symbol }`, in { $context } context.
    .brief = An interrupt comes: { $vector }.
softirq = Leaving the interrupt, the kernel runs softirqs on top of `{ $task }`, with interrupts on again.
    .brief = Softirqs run on top of `{ $task }`.
nmi = An NMI arrives at `{ $symbol }`. It asks nobody: interrupts being off does not hold it back.
    .brief = An NMI arrives at `{ $symbol }`.
mce = A machine check arrives at `{ $symbol }`: a context that the count of four leaves out.
    .brief = A machine check arrives at `{ $symbol }`.
fault = The CPU raises { $mnemonic } at `{ $symbol }`.
    .brief = The CPU raises { $mnemonic } at `{ $symbol }`.
fault-selector = The CPU raises { $mnemonic } at `{ $symbol }`. The error code { $code } is the selector that it could not load, without its two lowest bits.
    .brief = The CPU raises { $mnemonic } at `{ $symbol }`.
gap-opened = The entry code copies the frame { $words } words down. What it leaves behind is room for a push onto the interrupted stack.
    .brief = The frame is copied down: a gap for a push.

## The frame

frame-rewritten-skip = The handler moves the frame’s `RIP` on to `{ $new }`, behind the five bytes. The call is treated as a nop: whoever wanted to be called is not.
    .brief = `RIP` in the frame moves behind the five bytes.
frame-rewritten-stub = The handler points the frame’s `RIP` at a stub. When `iretq` pops the frame, the CPU will go on at `{ $new }` instead of `{ $old }`, with the interrupted task’s own stack and registers as they were.
    .brief = The frame’s `RIP` points at a stub now.
frame-rewritten-ip = The handler points the frame’s `RIP` at `{ $new }` instead of `{ $old }`.
    .brief = The frame’s `RIP` points at `{ $new }` now.
frame-rewritten-sp = The handler lowers the frame’s `RSP` by a word: the return address that it pushes will lie on top when `iretq` is done.
    .brief = The frame’s `RSP` makes room for a return address.
frame-rewritten-pushed = The handler pushes the return address, and no gap was left for it: it lands on the frame itself. The frame’s `{ $word }` was { $old } and is `{ $new }` now.
    .brief = No gap: the return address lands on the frame.
frame-rewritten-other = The handler changes the frame’s `{ $word }`.
iret = `iretq` goes to `{ $symbol }`.
iret-trap = `iretq` pops the five words of the frame. The CPU goes on at `{ $symbol }`, on the interrupted stack.
    .brief = `iretq` pops the frame: on at `{ $symbol }`.

## ftrace_int3_stack

push-begun-depth = The handler raises `depth` to { $depth } before it fills `slots[{ $index }]`: an NMI that traps in between must find the slot taken.
    .brief = `depth` goes to { $depth } before the slot is filled.
push-begun-slot = The handler writes `slots[{ $index }]` before it raises `depth`: an NMI that traps now would take the same slot.
    .brief = The slot is filled before `depth` is raised.
push-beyond = There is no `slots[{ $index }]`. The handler stores the address all the same, over what lies behind the stack.
    .brief = There is no `slots[{ $index }]`: it is stored all the same.
push-beyond-depth = The handler raises `depth` to { $depth }, and there are only four slots.
push-over = The handler writes `{ $value }` into `slots[{ $index }]`, over `{ $lost }`, which an interrupted trap had put there and no stub has read. That address is lost: its stub will pop this one.
    .brief = The push goes over `{ $lost }`: that address is lost.
slot-pushed-depth = `depth` is raised to { $depth } only now: `slots[{ $index }]` counts as taken, with whatever lies in it by now.
    .brief = `depth` goes to { $depth } only now.
slot-pushed-percpu = `slots[{ $index }]` now holds the address behind the five bytes: what a real call would have pushed. It lies in this CPU’s area: should the task go elsewhere, it stays behind.
    .brief = `slots[{ $index }]` of this CPU holds the return address.
slot-pushed-thread = `slots[{ $index }]` now holds the address behind the five bytes: what a real call would have pushed. It lies in thread_info, so it goes wherever the task goes.
    .brief = `slots[{ $index }]` of the task holds the return address.
pop-begun-depth = The stub lowers `depth` to { $depth } before it has read `slots[{ $index }]`: a trap now would overwrite it.
    .brief = `depth` goes down before the slot is read.
pop-begun-slot = The stub reads `slots[{ $index }]` while `depth` still says { $depth }: an interrupt that traps now takes the next slot, not this one.
    .brief = The stub reads the slot before `depth` goes down.
pop-begun-slot-full = The stub reads `slots[{ $index }]` while `depth` still says { $depth }: an interrupt that traps now finds no slot free, and does not take this one.
    .brief = The stub reads the slot while all four are taken.
pop-begun-none = The stub takes `depth` { $depth } for granted and reads a slot that nobody has filled for it.
slot-popped-slot = The stub reads `slots[{ $index }]` only now, after `depth` has called it free: whatever lies in it by now is taken for the return address.
    .brief = The slot is read only now, after it was free.
slot-popped-depth = `depth` goes down to { $depth } and `slots[{ $index }]` is free. The address it held is on its way to the stack, where a call would have put it.
    .brief = `depth` goes down to { $depth }: the slot is free.

## Out of it

stub-entered = `iretq` pops the frame, and the CPU is back in { $context } context: same stack, same registers, but standing on `{ $stub }` instead of behind the `int3`.
    .brief = `iretq` leads onto the stub, in { $context } context.
call-emulated = RIP stands on `{ $target }` and the return address lies on top of the stack: all that `call` does has been done, in the context that executed the `int3`.
    .brief = All that `call` does is done: RIP at `{ $target }`.
call-emulated-wrong = RIP stands on `{ $target }`, but on top of the stack lies `{ $address }` and not the address behind the five bytes of `{ $site }`. That is not what `call` does.
    .brief = The return address is wrong: `{ $address }`.
fops-called = `{ $func }` is called for `{ $symbol }`, on its way from `{ $parent }`.
    .brief = `{ $func }` is called for `{ $symbol }`.
fops-called-regs = `{ $func }` is called for `{ $symbol }`, on its way from `{ $parent }`, with all registers to look at and to change.
    .brief = `{ $func }` is called for `{ $symbol }`.
fops-called-kept = `{ $func }` is called for `{ $symbol }`, on its way from `{ $parent }`. The call was not lost.
    .brief = `{ $func }` is called: the call was not lost.
fops-called-kept-regs = `{ $func }` is called for `{ $symbol }`, on its way from `{ $parent }`, with all registers to look at and to change. The call was not lost.
    .brief = `{ $func }` is called: the call was not lost.
fops-called-astray = `{ $func }` is called for `{ $symbol }`, but it was `{ $site }` that this context called: its stub took another’s return address. The call of `{ $site }` is lost.
    .brief = The call of `{ $site }` is lost.
fops-missed-allowed = `{ $symbol }` was entered without `{ $op }` being called. That is allowed here: a nop stood on the site before.
    .brief = `{ $op }` was not called, and need not have been.
fops-missed = `{ $symbol }` was entered without `{ $op }` being called, although the site was a call before and will be one again.
    .brief = `{ $op }` was not called: that call is lost.
old-body-ran = RIP stands in the old body of `{ $function }`, although a live patch has replaced it by `{ $replacement }`. The fix is undone for this call, and nobody is told.
    .brief = The old body of `{ $function }` runs.
redirected = The live patch has changed the saved `ip`: the trampoline returns into `{ $replacement }` instead of `{ $function }`.
    .brief = The live patch sends it on to `{ $replacement }`.

## Tasks

preempted = On its way out of the trap the kernel lets another task run. `{ $task }` is put aside, with { $count ->
    [one] 1 address
   *[other] { $count } addresses
} pending.
    .brief = `{ $task }` is put aside in the middle of it.
preempted-percpu = On its way out of the trap the kernel lets another task run. `{ $task }` is put aside, and what its trap has pushed lies in this CPU’s stack.
    .brief = `{ $task }` is put aside in the middle of it.
migrated = `{ $task }` goes on, on CPU { $cpu } instead of CPU { $from }. Its thread_info came along, with { $count ->
    [one] 1 address
   *[other] { $count } addresses
} pending.
    .brief = `{ $task }` goes on, on CPU { $cpu }, its stack with it.
migrated-percpu = `{ $task }` goes on, on CPU { $cpu } instead of CPU { $from }. What its trap had pushed lies in CPU { $from }’s stack, and stays there.
    .brief = `{ $task }` goes on, on CPU { $cpu }, its address left behind.
forked = `arch_dup_task_struct()` has copied `{ $parent }` to `{ $child }`, the int3 stack included: the child begins with depth { $depth }.
    .brief = A fork copies the int3 stack to `{ $child }`.
forked-new = `arch_dup_task_struct()` has copied `{ $parent }` to a new task, the int3 stack included: the child begins with depth { $depth }.
    .brief = A fork copies the int3 stack to a new task.
halted = CPU { $cpu } executes `hlt`.

## What a function of the guest is there for

role-int3 = The entry code saves the registers under the frame, which makes it a `struct pt_regs`, and calls `do_int3`.
role-int3_create_gap = The entry code makes room under the frame, saves the registers and calls `do_int3`.
role-do_int3 = `do_int3` asks ftrace first of all: is code being rewritten right now, and is this breakpoint one of its own?
role-ftrace_int3_handler = `ftrace_int3_handler` looks up whether the trapping address is a site that ftrace is rewriting.
role-ftrace_location = `ftrace_location` searches the records for the trapping address.
role-int3_thread_emulate = The handler promises the call: return address into the task’s stack, stub into the frame.
role-int3_skip_emulate = The handler lets the call fall through.
role-int3_percpu_emulate = The handler promises the call: return address into the CPU’s stack, stub into the frame.
role-int3_gap_emulate = The handler pushes the return address onto the interrupted stack itself, into the gap.
role-error_exit = On the way out the entry code restores the registers; the frame is the last thing left.
role-ftrace_int3_stub_regs_caller = The stub makes room for a return address and fetches it from the task’s stack, leaving every register as it was.
role-ftrace_int3_stub_list_func = The stub makes room for a return address and fetches it from the task’s stack, leaving every register as it was.
role-ftrace_caller = The trampoline saves what a C function may clobber and calls the tracer.
role-ftrace_regs_caller = The trampoline builds a `struct pt_regs` of all registers, so that a tracer can look at them and change where to go.
role-klp_trampoline = The live patch’s own trampoline builds a `struct pt_regs` and calls the live patch.
role-ftrace_ops_list_func = `ftrace_ops_list_func` walks the list of ops and calls those whose filter has this address.
role-klp_ftrace_handler = The live patch’s callback changes the saved `ip`: that is how a function is replaced.
role-ftrace_replace_code = `ftrace_replace_code` rewrites all sites in three passes, with a sync of all CPUs after each.
role-add_breakpoints = `add_breakpoints` checks that the site holds the bytes it expects, and puts a breakpoint on it.
role-add_update = `add_update` writes the tail of the new instruction behind the breakpoint.
role-finish_update = `finish_update` replaces the breakpoint by the first byte of the new instruction.
role-run_sync = `run_sync` makes every CPU execute a serialising instruction, and waits for all of them.
role-sync_core = `sync_core` serialises this CPU by an `iretq` to itself.
role-text_poke = The store goes to the text’s alias in the direct map; the text itself is read-only.

## The few instructions that deserve a sentence of their own though they raise no event

note-stub-room = The stub makes room on the stack for the return address.
note-stub-saves = The stub saves the registers that it needs, below the room that it has made.
note-stub-task = The stub asks for the current task. On whatever CPU this is by now, it is the task that executed the `int3`.
note-stub-puts = The stub puts the address into the room that it has made: there a `call` would have pushed it.
note-stub-restores = The registers get back what they held. Nothing will show that the stub was here.
note-entry-orig-ax = The entry code pushes −1 where a system call’s number would be: `orig_ax`.
note-entry-regs = The stack pointer is now the `regs` that `do_int3` gets: the frame is its top end.
note-exit-orig-ax = `orig_ax` is dropped. What is left is the frame, for `iretq`.

## The words of a delivery and of an iretq, one by one

part-push-ss = Word { $index } of { $of }: the CPU pushes `SS`, the stack segment of the interrupted code: `{ $value }`.
part-push-sp = Word { $index } of { $of }: the CPU pushes `RSP`, where its stack pointer stood: `{ $value }`.
part-push-flags = Word { $index } of { $of }: the CPU pushes `RFLAGS`, its flags, with the interrupt flag as it was: `{ $value }`.
part-push-cs = Word { $index } of { $of }: the CPU pushes `CS`, its code segment: `{ $value }`.
part-push-ip = Word { $index } of { $of }: the CPU pushes `RIP`, where it would go on: `{ $value }`.
part-push-error-code = Word { $index } of { $of }: the CPU pushes the error code, `{ $value }`.
part-pop = Word { $index } of { $of }: `iretq` pops `{ $value }` into `{ $word }`.
