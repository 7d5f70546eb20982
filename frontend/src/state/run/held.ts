/** What each CPU holds back, by moment: kept as the changes that the server told. */

import type { Held } from "../../wire/wire.gen";
import { countBefore } from "./writers";

export type Holding = Pick<Held, "nmi_blocked" | "pending">;

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

  at(moment: number, cpu: number): Holding {
    return this.#entries[cpu]?.[countBefore(this.#moments[cpu] ?? [], moment + 1) - 1] ?? NOTHING;
  }
}
