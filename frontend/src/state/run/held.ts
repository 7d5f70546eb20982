/** What each CPU holds back, by moment: kept as the changes that the server told. */

import type { Held, Pending } from "../../wire/wire.gen";
import { countBefore } from "./writers";

export type Holding = Pick<Held, "nmi_blocked" | "pending">;

/** Moments from `from` on, and before `to`. */
export interface Span {
  readonly what: Pending["what"];
  readonly vector: number;
  readonly from: number;
  readonly to: number;
}

/** What a CPU holds back of which nothing was told yet. */
const NOTHING: Holding = { nmi_blocked: false, pending: [] };

export class HeldLog {
  /** By CPU, in the order of moments; of several with one moment the last counts. */
  readonly #entries: Held[][];
  readonly #moments: number[][];

  constructor(cpus: number) {
    this.#entries = Array.from({ length: cpus }, () => []);
    this.#moments = Array.from({ length: cpus }, () => []);
  }

  /** Adds what a chunk told. A chunk without steps may come again after a reconnection: that changes no answer. */
  append(held: readonly Held[]): void {
    for (const entry of held) {
      this.#entries[entry.cpu]?.push(entry);
      this.#moments[entry.cpu]?.push(entry.n);
    }
  }

  /** Forgets what came behind `moment`; an injection at `moment` itself is told again, last as before. */
  truncate(moment: number): void {
    this.#moments.forEach((moments, cpu) => {
      const count = countBefore(moments, moment + 1);
      moments.length = count;
      this.#entries[cpu]?.splice(count);
    });
  }

  /** From when to when something was raised and not taken, by CPU; up to `end` where it still waits. */
  spans(cpu: number, end: number): Span[] {
    const spans: Span[] = [];
    const open = new Map<string, Span>();
    for (const { n, pending } of this.#entries[cpu] ?? []) {
      const still = new Map(pending.map((one) => [`${one.what} ${one.vector}`, one]));
      for (const [key, span] of open) {
        if (still.has(key)) continue;
        if (n > span.from) spans.push({ ...span, to: n });
        open.delete(key);
      }
      for (const [key, { what, vector }] of still) {
        if (!open.has(key)) open.set(key, { what, vector, from: n, to: end });
      }
    }
    return [...spans, ...open.values()].filter(({ from, to }) => to > from);
  }

  at(moment: number, cpu: number): Holding {
    return this.#entries[cpu]?.[countBefore(this.#moments[cpu] ?? [], moment + 1) - 1] ?? NOTHING;
  }
}
