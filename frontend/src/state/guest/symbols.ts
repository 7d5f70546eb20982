/**
 * Names for addresses. Text, data and their alias in the direct map share one table, keyed by physical address.
 *
 * A sized symbol that contains the address wins over a nearer label: ftrace_call is a place inside ftrace_caller.
 */

import { toNumber, type U64, u64 } from "../../lib/hex";
import type { SymbolInfo } from "../../wire/wire.gen";
import { physical } from "./memory";

export interface Symbol {
  readonly name: string;
  readonly address: U64;
  readonly size: number;
}

export interface Place {
  readonly symbol: Symbol;
  readonly offset: number;
}

interface Entry {
  readonly at: number;
  readonly symbol: Symbol;
}

/** Nothing of the image lies below; absolute symbols do. */
const IMAGE_START = 0x1000000;
/** How far behind an unsized label an address still counts as part of it. */
const LABEL_REACH = 4096;

export class SymbolTable {
  readonly #byName = new Map<string, Symbol>();
  readonly #perCpu = new Map<string, number>();
  readonly #sized: Entry[] = [];
  readonly #labels: Entry[] = [];

  constructor(symbols: readonly SymbolInfo[]) {
    for (const info of symbols) {
      const symbol = { name: info.name, address: u64(info.address), size: info.size };
      if (!this.#byName.has(symbol.name)) this.#byName.set(symbol.name, symbol);
      if (info.per_cpu) {
        this.#perCpu.set(symbol.name, toNumber(symbol.address));
        continue;
      }
      const at = physical(symbol.address);
      if (at >= IMAGE_START) (symbol.size > 0 ? this.#sized : this.#labels).push({ at, symbol });
    }
    this.#sized.sort((a, b) => a.at - b.at);
    this.#labels.sort((a, b) => a.at - b.at);
  }

  find(name: string): Symbol | null {
    return this.#byName.get(name) ?? null;
  }

  /** The offset of a per-CPU variable from the GS base. */
  perCpuOffset(name: string): number | null {
    return this.#perCpu.get(name) ?? null;
  }

  locate(address: U64): Place | null {
    const at = physical(address);
    if (at < IMAGE_START) return null;
    const sized = lastAtOrBefore(this.#sized, at);
    if (sized !== null && at < sized.at + sized.symbol.size)
      return { symbol: sized.symbol, offset: at - sized.at };
    const label = lastAtOrBefore(this.#labels, at);
    if (
      label !== null &&
      at - label.at < LABEL_REACH &&
      (sized === null || label.at >= sized.at + sized.symbol.size)
    ) {
      return { symbol: label.symbol, offset: at - label.at };
    }
    return null;
  }

  /** "traced_fn+0x5", "traced_fn" at its start, null where no symbol is. */
  name(address: U64): string | null {
    const place = this.locate(address) ?? this.#behind(address);
    if (place === null) return null;
    return place.offset === 0 ? place.symbol.name : `${place.symbol.name}+0x${place.offset.toString(16)}`;
  }

  /** The label at `address` itself, if there is one: ftrace_regs_call rather than ftrace_regs_caller+0xb0. */
  label(address: U64): string | null {
    const at = physical(address);
    const label = lastAtOrBefore(this.#labels, at);
    return label?.at === at ? label.symbol.name : null;
  }

  /** A return address behind a function's last instruction, a call that never returns, still belongs to it. */
  #behind(address: U64): Place | null {
    const at = physical(address);
    const sized = lastAtOrBefore(this.#sized, at - 1);
    return sized !== null && at === sized.at + sized.symbol.size
      ? { symbol: sized.symbol, offset: sized.symbol.size }
      : null;
  }

  /** The function (or variable) an address lies in, without the offset. */
  owner(address: U64): string | null {
    return this.locate(address)?.symbol.name ?? null;
  }
}

function lastAtOrBefore(entries: readonly Entry[], at: number): Entry | null {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.at ?? Infinity) <= at) low = middle + 1;
    else high = middle;
  }
  return entries[low - 1] ?? null;
}

/** The symbol's own address where the wire left it out: a name with an offset, as `traced_fn+0x5`. */
export function splitName(text: string): { readonly name: string; readonly offset: number } {
  const match = /^(.*)\+0x([0-9a-f]+)$/.exec(text);
  const [, name = text, offset = "0"] = match ?? [];
  return { name, offset: parseInt(offset, 16) };
}

/** As people read it: no "+0x0". */
export function shortName(text: string): string {
  return text.endsWith("+0x0") ? text.slice(0, -4) : text;
}
