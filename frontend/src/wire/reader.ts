/** Reads the little-endian, LEB128-based binary frames; past the end or out of range it throws. */

import { fromParts, unzigzag, type U64 } from "../lib/hex";

export class FrameError extends Error {
  override readonly name = "FrameError";
}

export class Reader {
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

  /** A copy, so that a frame's buffer does not live as long as one write in it. */
  take(length: number): Uint8Array {
    if (length > this.#end - this.#at) {
      throw new FrameError(`${length} bytes wanted at ${this.#at}, frame ends at ${this.#end}`);
    }
    const bytes = this.#bytes.slice(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }

  u64(): U64 {
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = this.take(8);
    const low = a | (b << 8) | (c << 16) | ((d & 0x0f) << 24);
    const middle = (d >> 4) | (e << 4) | (f << 12) | (g << 20);
    return fromParts(low, middle, h);
  }

  /** An unsigned LEB128 count, id or length: at most 2^32. */
  varint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 35; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte >= 0x80) continue;
      if (byte === 0 && scale > 1)
        throw new FrameError(`a count that is not in its shortest form at ${this.#at}`);
      return value;
    }
    throw new FrameError(`a count longer than five bytes at ${this.#at}`);
  }

  /** An unsigned LEB128 value of 64 bits. */
  varint64(): U64 {
    const parts = [0, 0, 0];
    for (let index = 0; index < 10; index++) {
      const byte = this.u8();
      const part = Math.floor(index / 4);
      parts[part] = (parts[part] ?? 0) + (byte & 0x7f) * 2 ** (7 * (index % 4));
      if (byte < 0x80) {
        const [low = 0, middle = 0, high = 0] = parts;
        if (high > 0xff || (byte === 0 && index > 0)) break;
        return fromParts(low, middle, high);
      }
    }
    throw new FrameError(`a value wider than 64 bits, or longer than it need be, at ${this.#at}`);
  }

  /** A signed difference, as the value to add modulo 2^64. */
  delta(): U64 {
    return unzigzag(this.varint64());
  }
}
