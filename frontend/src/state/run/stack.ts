/**
 * Who made room for which words of a stack, at every moment: a chain of pieces per stack, lowest first.
 *
 * A piece is the words that one step laid below RSP. Like the chain of calls it is shared between moments and never changed.
 */

import { add, compare, type U64, ZERO } from "../../lib/hex";
import type { Step } from "../../wire/steps";
import { INDEX } from "../../wire/registers";
import { History } from "./history";
import { stackKey } from "../guest/stackArea";
import type { SymbolTable } from "../guest/symbols";

export interface Piece {
  /** The words `[low, high)`. */
  readonly low: U64;
  readonly high: U64;
  /** The step that lowered RSP over them. */
  readonly moment: number;
  readonly parent: Piece | null;
}

/** All stacks: a task takes its own along to another CPU. */
export class Stacks {
  readonly #pieces = new Map<string, History<Piece | null>>();
  readonly #symbols: SymbolTable;
  /** Every CPU's RSP. */
  readonly #sp: U64[];

  /** `files` are the CPUs' registers at moment 0. */
  constructor(symbols: SymbolTable, files: readonly (readonly U64[])[]) {
    this.#symbols = symbols;
    this.#sp = files.map(spOf);
  }

  /** The pieces of the stack that `address` lies in, from the lowest up; null where all is older than moment 0. */
  at(address: U64, moment: number): Piece | null {
    return this.#pieces.get(this.#key(address))?.at(moment) ?? null;
  }

  add(step: Step): void {
    const before = this.#sp[step.cpu] ?? ZERO;
    const after = step.became(INDEX.rsp) ?? before;
    if (compare(before, after) === 0) return;
    this.#sp[step.cpu] = after;
    const key = this.#key(after);
    // A delivery through the IST, or a task switch, begins where the other stack's pointer stands, not where RSP stood.
    const from = this.#key(before) === key ? before : this.#topOf(step, after);
    const history = this.#pieces.get(key) ?? new History<Piece | null>(null);
    this.#pieces.set(key, history);
    history.set(
      step.moment + 1,
      compare(after, from) < 0 ? this.#lower(history.last, after, from, step) : trim(history.last, after),
    );
  }

  truncate(moment: number, files: readonly (readonly U64[])[]): void {
    for (const history of this.#pieces.values()) history.truncate(moment);
    files.forEach((file, cpu) => {
      this.#sp[cpu] = spOf(file);
    });
  }

  #lower(chain: Piece | null, low: U64, high: U64, step: Step): Piece {
    return { low, high, moment: step.moment, parent: trim(chain, high) };
  }

  /** The end of the highest word that this step wrote above the new RSP: an IST stack's top at a delivery. */
  #topOf(step: Step, after: U64): U64 {
    return step.writes.reduce((top, write) => {
      const end = add(write.address, write.new.length);
      return compare(end, top) > 0 && this.#key(write.address) === this.#key(after) ? end : top;
    }, after);
  }

  #key(address: U64): string {
    return stackKey(this.#symbols, address);
  }
}

const spOf = (file: readonly U64[]): U64 => file[INDEX.rsp] ?? ZERO;

/** What is left of a chain when RSP stands at `sp`. */
function trim(chain: Piece | null, sp: U64): Piece | null {
  let rest = chain;
  while (rest !== null && compare(rest.high, sp) <= 0) rest = rest.parent;
  return rest !== null && compare(rest.low, sp) < 0 ? { ...rest, low: sp } : rest;
}
