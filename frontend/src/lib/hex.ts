/**
 * 64-bit values: registers and addresses as the guest has them.
 *
 * The only file of the page in which bigint appears. Everything else holds a `U64` and works through these
 * functions; on the wire a 64-bit value is hex text ("0x…").
 */

declare const unsigned64: unique symbol;
export type U64 = bigint & { readonly [unsigned64]: true };

const MASK = (1n << 64n) - 1n;
const HEX = /^0x[0-9a-f]{1,16}$/i;

export const ZERO = 0n as U64;

/** Reads hex text; throws on anything that is not "0x" and 1–16 digits. */
export function u64(text: string): U64 {
  if (!HEX.test(text)) throw new RangeError(`not a 64-bit hex value: ${JSON.stringify(text)}`);
  return BigInt(text) as U64;
}

export function fromNumber(value: number): U64 {
  return BigInt.asUintN(64, BigInt(value)) as U64;
}

/** A value below 2^53 as a number; throws above, where a number would lie. */
export function toNumber(value: U64): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${hex(value)} does not fit a number`);
  return Number(value);
}

export function add(value: U64, delta: U64 | number): U64 {
  return ((value + BigInt(delta)) & MASK) as U64;
}

/** `value - base` as a signed number, or null where it is further away than a number can say exactly. */
export function distance(value: U64, base: U64): number | null {
  const difference = value - base;
  return difference >= -0x1fffffffffffffn && difference <= 0x1fffffffffffffn ? Number(difference) : null;
}

const SPLIT = new BigUint64Array(1);
const HALVES = new Uint32Array(SPLIT.buffer);

/** The low 32 bits; with `highHalf` the way to tell where an address lies without making another bigint. */
export function lowHalf(value: U64): number {
  SPLIT[0] = value;
  return HALVES[0] ?? 0;
}

export function highHalf(value: U64): number {
  SPLIT[0] = value;
  return HALVES[1] ?? 0;
}

/** The value with these halves. */
export function fromHalves(low: number, high: number): U64 {
  HALVES[0] = low;
  HALVES[1] = high;
  return SPLIT[0] as U64;
}

export function compare(a: U64, b: U64): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The low 32 bits, signed, as a C `int` of the guest. */
export function int32(value: U64): number {
  return Number(BigInt.asIntN(32, value));
}

export function bit(value: U64, index: number): boolean {
  return ((value >> BigInt(index)) & 1n) === 1n;
}

export function alignDown(value: U64, alignment: number): U64 {
  return (value & ~(BigInt(alignment) - 1n) & MASK) as U64;
}

/** "0x…", lower case, no leading zeros: the form that the wire, `data-value` and the trace format use. */
export function hex(value: U64): string {
  return `0x${value.toString(16)}`;
}

/** Sixteen digits in groups of four: for a table, where every value is as wide as the next. */
export function hexWide(value: U64): string {
  return value
    .toString(16)
    .padStart(16, "0")
    .replace(/(.{4})(?=.)/g, "$1 ");
}

/** The last four digits behind an ellipsis: for an address whose neighbours share the rest. */
export function hexShort(value: U64): string {
  return `…${(value & 0xffffn).toString(16).padStart(4, "0")}`;
}

/** Up to eight bytes of memory, little-endian. */
export function fromBytes(bytes: Uint8Array): U64 {
  let value = 0n;
  for (let index = bytes.length - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index] ?? 0);
  return value as U64;
}

/**
 * Many 64-bit values in a row, eight bytes each.
 *
 * `halves` are the same bytes as low and high 32 bits in turn (every browser's machine is little-endian): copying and adding
 * through them makes no bigint, which `at` does.
 */
export class U64Column {
  readonly halves: Uint32Array;
  readonly #values: BigUint64Array;

  constructor(length: number) {
    const buffer = new ArrayBuffer(length * 8);
    this.halves = new Uint32Array(buffer);
    this.#values = new BigUint64Array(buffer);
  }

  static of(values: readonly U64[]): U64Column {
    const column = new U64Column(values.length);
    column.#values.set(values);
    return column;
  }

  get length(): number {
    return this.#values.length;
  }

  at(index: number): U64 {
    const value = this.#values[index];
    if (value === undefined) throw new RangeError(`value ${index} of ${this.length}`);
    return value as U64;
  }

  /** The same values in a column of its own, of this length or a longer one. */
  copy(length = this.length): U64Column {
    const column = new U64Column(length);
    column.#values.set(this.#values);
    return column;
  }
}
