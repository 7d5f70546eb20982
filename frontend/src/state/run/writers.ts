/** Who wrote a word last, and when: for every word of memory the moments of the steps that stored to it. */

import type { U64 } from "../../lib/hex";
import type { Steps } from "../../wire/steps";
import { physical, physicalOf } from "../guest/memory";

const WORD = 8; // bytes

export class Writers {
  readonly #moments = new Map<number, number[]>();

  add({ first, writesAt, addresses, bytesAt }: Steps, moment: number): void {
    const index = moment - first;
    for (let at = writesAt[index] ?? 0; at < (writesAt[index + 1] ?? 0); at++) {
      const start = physicalOf(addresses.halves[2 * at] ?? 0, addresses.halves[2 * at + 1] ?? 0);
      const end = start + ((bytesAt[at + 1] ?? 0) - (bytesAt[at] ?? 0)) / 2;
      for (let word = Math.floor(start / WORD); word * WORD < end; word++) this.#wrote(word, moment);
    }
  }

  truncate(moment: number): void {
    for (const moments of this.#moments.values()) {
      while ((moments.at(-1) ?? -1) >= moment) moments.pop();
    }
  }

  /** The last step before `moment` that stored to the word at `address`; null if none did since moment 0. */
  last(address: U64, moment: number): number | null {
    const moments = this.#moments.get(Math.floor(physical(address) / WORD)) ?? [];
    return moments[countBefore(moments, moment) - 1] ?? null;
  }

  /** How many stores touched `[address, address + size)` before `moment`. */
  count(address: U64, size: number, moment: number): number {
    const first = Math.floor(physical(address) / WORD);
    let count = 0;
    for (let word = first; word < first + size / WORD; word++) {
      count += countBefore(this.#moments.get(word) ?? [], moment);
    }
    return count;
  }

  #wrote(word: number, moment: number): void {
    const moments = this.#moments.get(word);
    if (moments === undefined) this.#moments.set(word, [moment]);
    else if (moments.at(-1) !== moment) moments.push(moment);
  }
}

/** How many of the ascending `moments` are below `moment`. */
export function countBefore(moments: readonly number[], moment: number): number {
  let low = 0;
  let high = moments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((moments[middle] ?? Infinity) < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}
