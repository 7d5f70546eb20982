/** Reads the little-endian, LEB128-based binary frames; past the end or out of range it throws. */

import { fromHalves, type U64 } from "../lib/hex";

export class FrameError extends Error {
  override readonly name = "FrameError";
}

export class Reader {
  /** The halves of the last `delta`. */
  low = 0;
  high = 0;
  #at = 0;
  readonly #bytes: Uint8Array;
  readonly #end: number;

  /** Reads `bytes` up to `end`, which lets a trailing checksum stay unread. */
  constructor(bytes: Uint8Array, end = bytes.length) {
    this.#bytes = bytes;
    this.#end = end;
  }

  get atEnd(): boolean {
    return this.#at === this.#end;
  }

  /** Bytes that were not read yet. */
  get left(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    const value = this.#at < this.#end ? this.#bytes[this.#at] : undefined;
    if (value === undefined)
      throw new FrameError(`frame ends at byte ${this.#end}, in the middle of a value`);
    this.#at += 1;
    return value;
  }

  /** A copy, so that a frame's buffer does not live as long as a piece of it. */
  take(length: number): Uint8Array {
    const start = this.#skip(length);
    return this.#bytes.slice(start, start + length);
  }

  /** Puts the next `length` bytes where they belong; `target` has room for them. */
  takeInto(target: Uint8Array, offset: number, length: number): void {
    const start = this.#skip(length);
    for (let index = 0; index < length; index++) target[offset + index] = this.#bytes[start + index] ?? 0;
  }

  u64(): U64 {
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#skip(8), 8);
    return fromHalves(view.getUint32(0, true), view.getUint32(4, true));
  }

  /** An unsigned LEB128 count, id or length: of at most 32 bits. */
  varint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 35; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte >= 0x80) continue;
      if (byte === 0 && scale > 1)
        throw new FrameError(`a count that is not in its shortest form at ${this.#at}`);
      if (value > 0xffffffff) break;
      return value;
    }
    throw new FrameError(`a count wider than 32 bits at ${this.#at}`);
  }

  /** A zig-zag LEB128 difference, as the 64-bit value to add: into `low` and `high`. */
  delta(): void {
    let [low, middle, high] = [0, 0, 0]; // 28, 28 and 8 bits
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.u8();
      const part = byte & 0x7f;
      if (shift < 28) low |= part << shift;
      else if (shift < 56) middle |= part << (shift - 28);
      else high |= part << (shift - 56);
      if (byte >= 0x80) continue;
      if (high > 0xff || (byte === 0 && shift > 0)) break;
      this.#unzigzag((low | (middle << 28)) >>> 0, ((middle >>> 4) | (high << 24)) >>> 0);
      return;
    }
    throw new FrameError(`a value wider than 64 bits, or longer than it need be, at ${this.#at}`);
  }

  #unzigzag(low: number, high: number): void {
    const sign = -(low & 1);
    this.low = (((low >>> 1) | (high << 31)) ^ sign) >>> 0;
    this.high = ((high >>> 1) ^ sign) >>> 0;
  }

  /** Where the next `length` bytes begin; they count as read. */
  #skip(length: number): number {
    const start = this.#at;
    if (length > this.#end - start) {
      throw new FrameError(`${length} bytes wanted at ${start}, frame ends at ${this.#end}`);
    }
    this.#at += length;
    return start;
  }
}
