/**
 * Guest memory, keyed by physical address, so that text and its alias in the direct map are the same bytes.
 *
 * Pages are copied on their first write after a keyframe took hold of them: a keyframe costs a list of pages.
 */

import { distance, fromBytes, u64, type U64 } from "../lib/hex";

/** Where physical address 0 appears: the kernel's high half, and the direct map of all RAM. */
const HIGH_HALF = u64("0xffffffff80000000");
const DIRECT_MAP = u64("0xffff888000000000");
const HIGH_HALF_SIZE = 2 ** 31;
const DIRECT_MAP_SIZE = 2 ** 46;

/** All of the guest's RAM, as physical addresses (backend/guest: the memory map). */
const RAM_START = 0x100_0000;
const RAM_SIZE = 0x10_0000;

const PAGE_SIZE = 4096;

/** The physical address behind a virtual one; an address outside both maps (the local APIC) stands for itself. */
export function physical(address: U64): number {
  const high = distance(address, HIGH_HALF);
  if (high !== null && high >= 0 && high < HIGH_HALF_SIZE) return high;
  const direct = distance(address, DIRECT_MAP);
  if (direct !== null && direct >= 0 && direct < DIRECT_MAP_SIZE) return direct;
  const own = distance(address, u64("0x0"));
  return own ?? -1;
}

interface Page {
  readonly bytes: Uint8Array;
  /** A keyframe holds this page: whoever writes to it works on a copy. */
  shared: boolean;
}

/** Whether all of `[address, address + length)` is RAM: nothing else can be written and remembered. */
export function isRam(address: U64, length: number): boolean {
  const at = physical(address);
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
    this.#eachPart(physical(address), length, (number, offset, at, size) => {
      const page = this.#pages.get(number);
      if (page !== undefined) bytes.set(page.bytes.subarray(offset, offset + size), at);
    });
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

  write(address: U64, bytes: Uint8Array): void {
    this.#eachPart(physical(address), bytes.length, (number, offset, at, size) => {
      this.#own(number).set(bytes.subarray(at, at + size), offset);
    });
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

  #eachPart(
    start: number,
    length: number,
    part: (page: number, offset: number, at: number, size: number) => void,
  ): void {
    for (let at = 0; at < length;) {
      const offset = (start + at) % PAGE_SIZE;
      const size = Math.min(PAGE_SIZE - offset, length - at);
      part(Math.floor((start + at) / PAGE_SIZE), offset, at, size);
      at += size;
    }
  }
}
