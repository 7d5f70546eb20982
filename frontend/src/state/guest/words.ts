/** A 64-bit value as people read it: a symbol where it is one, a short address on a stack, else its digits. */

import { bit, compare, distance, fromNumber, hex, hexShort, hexWide, type U64, ZERO } from "../../lib/hex";
import { stackArea } from "./stackArea";
import type { SymbolTable } from "./symbols";

const SMALL = fromNumber(0xffff);

export function wordText(symbols: SymbolTable, value: U64): string {
  if (compare(value, SMALL) <= 0) return hex(value);
  if (symbols.owner(value)?.endsWith("_stacks") === true) return hexShort(value);
  return symbols.name(value) ?? hexWide(value);
}

/** "nmi_stacks[0]+0x3c0": the full name of a stack address, for the hover. */
export function stackText(symbols: SymbolTable, value: U64): string {
  const area = stackArea(symbols, value);
  const offset = area === null ? null : distance(value, area.start);
  return area === null || offset === null ? hex(value) : `${area.name}+0x${offset.toString(16)}`;
}

/** RFLAGS as the names of the bits that are set, out of those that `names` knows. */
export function flagText(value: U64, names: readonly (readonly [number, string])[]): string {
  return names.flatMap(([index, name]) => (bit(value, index) ? [name] : [])).join(" ");
}

export const isZero = (value: U64): boolean => compare(value, ZERO) === 0;
