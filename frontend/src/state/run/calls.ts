/**
 * Which functions and traps each CPU is in: a chain of activations, outermost last, for every moment.
 *
 * A chain is never changed, only replaced by a longer or shorter one that shares its tail, so the chain of any moment
 * stays at hand. Returns are matched by RSP and not by counting: a stub that jumps into its target, or a
 * frame whose ip was rewritten, returns somewhere else than it was called from, and that is the subject here.
 */

import { add, compare, distance, type U64 } from "../../lib/hex";
import type { Step } from "../../wire/steps";
import { INDEX } from "../../wire/registers";
import { History } from "./history";
import { stackKey } from "../guest/stackArea";
import type { SymbolTable } from "../guest/symbols";

/** How control got here: it was running at moment 0, was called, jumped or returned to, or a vector was delivered. */
export type Entry = "start" | "call" | "jump" | "return" | "trap";

export interface Activation {
  readonly function: string;
  readonly entry: Entry;
  /** The moment at which the CPU stands on its first instruction; a trap begins with its delivery. */
  readonly entered: number;
  /** From when on this CPU has been in it: later than `entered`, where a task came back or from another CPU. */
  readonly here: number;
  /** RSP at entry: where the return address lies, or the frame's ip for a trap. */
  readonly sp: U64;
  readonly vector: number;
  readonly depth: number;
  readonly parent: Activation | null;
  /** The moment this CPU left it, for good or for another task; null as long as it has not. */
  left: number | null;
}

/** Bytes between a frame and the end of the registers that the entry code saves under it: orig_ax and fifteen more. */
const SAVED_REGISTERS = 128;

/** What an instruction does to the chain; read from its mnemonic. */
export type Flow = "call" | "ret" | "iret" | "other";

export function flowOf(text: string): Flow {
  const mnemonic = text.split(" ", 1)[0] ?? "";
  if (mnemonic === "call" || mnemonic === "lcall") return "call";
  if (mnemonic === "ret" || mnemonic === "lret" || mnemonic === "retfq") return "ret";
  if (mnemonic === "iretq" || mnemonic === "iret") return "iret";
  return "other";
}

/** Chains of tasks that run nowhere now, by the stack that they left: any CPU may take them up. */
export type Parked = Map<string, Activation>;

export class Calls {
  /** Every activation ever entered, in order: the timeline's slices. */
  readonly all: Activation[] = [];
  readonly #chains: History<Activation>;
  readonly #symbols: SymbolTable;
  readonly #parked: Parked;
  #sp: U64;

  /** `registers` are this CPU's at moment 0; `callers` the functions it was in, outermost first. */
  constructor(symbols: SymbolTable, registers: readonly U64[], callers: readonly string[], parked: Parked) {
    this.#symbols = symbols;
    this.#parked = parked;
    this.#sp = valueIn(registers, "rsp");
    let chain: Activation | null = null;
    for (const name of callers) chain = this.#enter(chain, name, "start", 0, this.#sp);
    this.#chains = new History(
      chain ?? this.#enter(null, this.#nameOf(valueIn(registers, "rip")), "start", 0, this.#sp),
    );
  }

  at(moment: number): Activation {
    return this.#chains.at(moment);
  }

  /** The moments at which this CPU entered or left a function. */
  get moments(): readonly number[] {
    return this.#chains.moments;
  }

  add(step: Step, flow: Flow): void {
    const before = this.#sp;
    const after = step.became(INDEX.rsp) ?? before;
    this.#sp = after;
    const name = this.#nameOf(step.nextRip);
    const now = step.moment + 1;
    let chain: Activation | null = this.#chains.last;

    if (step.vector >= 0) {
      const frame = step.errorCode >= 0 ? add(after, 8) : after;
      chain = this.#enter(chain, name, "trap", step.moment, frame, step.vector);
      this.#chains.set(now, chain);
      return;
    }
    if (flow === "call") {
      chain = this.#enter(chain, name, "call", now, after);
    } else {
      if (flow === "ret") chain = this.#leaveBelow(chain, after, now);
      else if (flow === "iret") chain = this.#leaveTrap(chain, before, now);
      else if (compare(before, after) !== 0) chain = this.#switchStack(chain, before, after, now);
      chain = this.#arrive(chain, name, flow === "other" ? "jump" : "return", now, after);
    }
    this.#chains.set(now, chain);
  }

  truncate(moment: number, registers: readonly U64[]): void {
    this.#chains.truncate(moment);
    while ((this.all.at(-1)?.here ?? -1) > moment) this.all.pop();
    for (const activation of this.all) if ((activation.left ?? 0) > moment) activation.left = null;
    this.#sp = valueIn(registers, "rsp");
    this.#parked.clear();
  }

  /** Gone on in another function without a call: a jump into a trampoline, or a return to somewhere else. */
  #arrive(chain: Activation | null, name: string, entry: Entry, now: number, sp: U64): Activation {
    if (chain === null) return this.#enter(null, name, entry, now, sp);
    if (chain.function === name) return chain;
    // Entry code that jumps on is still inside its trap; any other function is over.
    if (chain.entry === "trap") return this.#enter(chain, name, entry, now, chain.sp);
    chain.left = now;
    return this.#enter(chain.parent, name, entry, now, chain.sp);
  }

  #enter(
    parent: Activation | null,
    name: string,
    entry: Entry,
    entered: number,
    sp: U64,
    vector = -1,
  ): Activation {
    const depth = parent === null ? 0 : parent.depth + 1;
    const activation = {
      function: name,
      entry,
      entered,
      here: entered,
      sp,
      vector,
      depth,
      parent,
      left: null,
    };
    this.all.push(activation);
    return activation;
  }

  /** A `ret` left RSP at `sp`: everything that was entered with a lower one is over. */
  #leaveBelow(chain: Activation | null, sp: U64, now: number): Activation | null {
    let rest = chain;
    while (rest !== null && rest.parent !== null && rest.entry !== "trap" && compare(rest.sp, sp) < 0) {
      rest.left = now;
      rest = rest.parent;
    }
    return rest;
  }

  /**
   * `iretq` popped the frame at `frame`. Entry code may have moved the frame down a little (the gap, the NMI's copies);
   * one that lies below the saved registers was nobody's delivery: sync_core() returns to itself and ends no trap.
   */
  #leaveTrap(chain: Activation | null, frame: U64, now: number): Activation | null {
    let trap = chain;
    while (trap !== null && trap.entry !== "trap") trap = trap.parent;
    const moved = trap === null ? null : distance(trap.sp, frame);
    if (trap === null || moved === null || moved < 0 || moved >= SAVED_REGISTERS) return chain;
    for (let over = chain; over !== null && over !== trap; over = over.parent) over.left = now;
    trap.left = now;
    return trap.parent;
  }

  /** A task switch puts one chain aside and takes up another. */
  #switchStack(chain: Activation | null, before: U64, after: U64, now: number): Activation | null {
    const [from, to] = [stackKey(this.#symbols, before), stackKey(this.#symbols, after)];
    if (chain === null || from === to) return chain;
    const resumed = this.#parked.get(to);
    this.#parked.set(from, chain);
    for (let at: Activation | null = chain; at !== null; at = at.parent) at.left ??= now;
    return resumed === undefined ? null : this.#resume(resumed, now);
  }

  /** The same chain, from now on in this CPU. */
  #resume(parked: Activation, now: number): Activation {
    const parent = parked.parent === null ? null : this.#resume(parked.parent, now);
    const activation = { ...parked, parent, here: now, left: null };
    this.all.push(activation);
    return activation;
  }

  #nameOf(address: U64): string {
    return this.#symbols.owner(address) ?? "?";
  }
}

const valueIn = (registers: readonly U64[], name: "rip" | "rsp"): U64 => registers[INDEX[name]] as U64;
