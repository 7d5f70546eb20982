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

/** A LEB128 value from its low 28, next 28 and top 8 bits. */
export function fromParts(low: number, middle: number, high: number): U64 {
  return ((BigInt(high) << 56n) | (BigInt(middle) << 28n) | BigInt(low)) as U64;
}

/** The signed value behind a zig-zag code, wrapped to 64 bits: adding it is subtracting its negative. */
export function unzigzag(value: U64): U64 {
  return BigInt.asUintN(64, (value >> 1n) ^ -(value & 1n)) as U64;
}

export function add(value: U64, delta: U64 | number): U64 {
  return ((value + BigInt(delta)) & MASK) as U64;
}

/** `value - base` as a signed number, or null where it is further away than a number can say exactly. */
export function distance(value: U64, base: U64): number | null {
  const difference = value - base;
  return difference >= -0x1fffffffffffffn && difference <= 0x1fffffffffffffn ? Number(difference) : null;
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
