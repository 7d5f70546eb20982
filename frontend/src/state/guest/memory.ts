/**
 * Guest memory, keyed by physical address, so that text and its alias in the direct map are the same bytes.
 *
 * Pages are copied on their first write after a keyframe took hold of them: a keyframe costs a list of pages.
 */

import { fromBytes, highHalf, lowHalf, type U64 } from "../../lib/hex";

/** Where physical address 0 appears: the kernel's high half, and the direct map of all RAM; as halves. */
const HIGH_HALF = { low: 0x8000_0000, high: 0xffff_ffff };
const DIRECT_MAP = { high: 0xffff_8880, size: 2 ** 14 }; // 2^46 bytes

/** All of the guest's RAM, as physical addresses (backend/guest: the memory map). */
const RAM_START = 0x100_0000;
const RAM_SIZE = 0x10_0000;

const PAGE_SIZE = 4096;
const MOST_HIGH = 2 ** 21; // what a number can say exactly above 32 bits

/** The physical address behind a virtual one; an address outside both maps (the local APIC) stands for itself. */
export function physical(address: U64): number {
  return physicalOf(lowHalf(address), highHalf(address));
}

/** The same for an address in halves; -1 where it stands for itself and is too great for a number. */
export function physicalOf(low: number, high: number): number {
  if (high === HIGH_HALF.high && low >= HIGH_HALF.low) return low - HIGH_HALF.low;
  const direct = high - DIRECT_MAP.high;
  if (direct >= 0 && direct < DIRECT_MAP.size) return direct * 2 ** 32 + low;
  return high < MOST_HIGH ? high * 2 ** 32 + low : -1;
}

interface Page {
  readonly bytes: Uint8Array;
  /** A keyframe holds this page: whoever writes to it works on a copy. */
  shared: boolean;
}

/** Whether `length` bytes from a physical address on are all RAM: nothing else can be written and remembered. */
export function isRam(at: number, length: number): boolean {
  return at >= RAM_START && at + length <= RAM_START + RAM_SIZE;
}

/** What a keyframe keeps. */
export type Pages = ReadonlyMap<number, Page>;

export class Memory {
  #pages: Map<number, Page>;

  constructor(pages: Pages = new Map()) {
    this.#pages = new Map(pages);
  }

  /** Bytes that nobody has written yet are zero. */
  read(address: U64, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    const start = physical(address);
    for (let at = 0; at < length;) {
      const offset = (start + at) % PAGE_SIZE;
      const size = Math.min(PAGE_SIZE - offset, length - at);
      const page = this.#pages.get(Math.floor((start + at) / PAGE_SIZE));
      if (page !== undefined) bytes.set(page.bytes.subarray(offset, offset + size), at);
      at += size;
    }
    return bytes;
  }

  u64(address: U64): U64 {
    return fromBytes(this.read(address, 8));
  }

  /** A NUL-terminated string of at most `length` bytes. */
  text(address: U64, length: number): string {
    const bytes = this.read(address, length);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(bytes.subarray(0, end < 0 ? length : end));
  }

  /** Puts `bytes[from]` up to `bytes[to]` at a physical address. */
  put(start: number, bytes: Uint8Array, from = 0, to = bytes.length): void {
    for (let index = from, at = start; index < to;) {
      const page = this.#own(Math.floor(at / PAGE_SIZE));
      const end = Math.min(to, index + PAGE_SIZE - (at % PAGE_SIZE));
      for (; index < end; index++, at++) page[at % PAGE_SIZE] = bytes[index] ?? 0;
    }
  }

  /** Whether `bytes[from]` up to `bytes[to]` are what stands at a physical address. */
  holds(start: number, bytes: Uint8Array, from: number, to: number): boolean {
    for (let index = from, at = start; index < to; index++, at++) {
      const page = this.#pages.get(Math.floor(at / PAGE_SIZE));
      if ((page?.bytes[at % PAGE_SIZE] ?? 0) !== bytes[index]) return false;
    }
    return true;
  }

  /** The pages as they are now; from here on they are never written again. */
  share(): Pages {
    for (const page of this.#pages.values()) page.shared = true;
    return new Map(this.#pages);
  }

  restore(pages: Pages): void {
    this.#pages = new Map(pages);
  }

  #own(number: number): Uint8Array {
    const page = this.#pages.get(number);
    if (page !== undefined && !page.shared) return page.bytes;
    const bytes = page === undefined ? new Uint8Array(PAGE_SIZE) : page.bytes.slice();
    this.#pages.set(number, { bytes, shared: false });
    return bytes;
  }
}
