/**
 * Which stack an address lies in. The guest keeps its stacks in arrays named …_stacks: one element a CPU, or a task.
 *
 * An array's type is not among what the server tells, but per-CPU arrays all have NR_CPUS elements, and a task's stack is as big as an
 * idle task's.
 */

import { add, hex, type U64 } from "../../lib/hex";
import type { SymbolTable } from "./symbols";

const NR_CPUS = 4; // backend/guest/percpu.h
const PER_TASK = "thread_stacks";
const SAME_SIZE_AS = "idle_stacks";

export interface StackArea {
  /** "thread_stacks[1]", "nmi_stacks[0]". */
  readonly name: string;
  readonly start: U64;
  /** Behind the highest word. */
  readonly end: U64;
}

export function stackArea(symbols: SymbolTable, address: U64): StackArea | null {
  const place = symbols.locate(address);
  if (place === null) return null;
  const { symbol, offset } = place;
  if (!symbol.name.endsWith("_stacks"))
    return { name: symbol.name, start: symbol.address, end: add(symbol.address, symbol.size) };
  const model = symbol.name === PER_TASK ? (symbols.find(SAME_SIZE_AS) ?? symbol) : symbol;
  const size = model.size / NR_CPUS;
  const index = Math.floor(offset / size);
  const start = add(symbol.address, index * size);
  return { name: `${symbol.name}[${index}]`, start, end: add(start, size) };
}

/** A key for the stack that a stack pointer points into; an empty stack's pointer stands behind its last word. */
export function stackKey(symbols: SymbolTable, sp: U64): string {
  return stackArea(symbols, add(sp, -1))?.name ?? hex(sp).slice(0, -3);
}
