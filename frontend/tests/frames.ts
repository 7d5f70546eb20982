/** Makes frames of steps as the backend's encoder does, for runs that no shared vector holds. */

import { crc32 } from "../src/lib/crc32";
import { INDEX, REGISTERS } from "../src/wire/registers";

/** Registers are told as what they become; `next` is RIP, where it is not what follows the code. */
export interface MadeStep {
  readonly cpu?: number;
  readonly code?: number;
  readonly vector?: number;
  readonly errorCode?: number;
  readonly lane?: number;
  readonly becomes?: Partial<Record<(typeof REGISTERS)[number], bigint>>;
  readonly writes?: readonly { at: bigint; old: Uint8Array; new: Uint8Array }[];
}

const MASK = (1n << 64n) - 1n;

/** The frame for `steps` from moment `first` on. `files` are every CPU's registers, and are moved along. */
export function stepsFrame(
  first: number,
  steps: readonly MadeStep[],
  files: bigint[][],
  codes: readonly { readonly rip: bigint; readonly length: number }[],
): Uint8Array {
  const told = steps.map((step) => toldOf(step, files, codes));
  const deliveries = steps.filter(({ vector }) => vector !== undefined);
  const writes = steps.flatMap(({ writes: all = [] }) => all);
  const last = [-1, -1, -1, -1];
  const out: number[] = [];
  varint(out, BigInt(first));
  varint(out, BigInt(steps.length));
  out.push(...told.map(({ head }) => head));
  for (const { cpu = 0, code = 0, vector } of steps) {
    if (vector !== undefined) continue;
    varint(out, zigzag(BigInt(code - 1 - (last[cpu] ?? -1))));
    last[cpu] = code;
  }
  out.push(...deliveries.map(({ vector = 0 }) => vector));
  for (const { errorCode } of deliveries) if (errorCode !== undefined) varint(out, BigInt(errorCode));
  for (const { lane = 0 } of steps) varint(out, BigInt(lane));
  for (const { deltas } of told) {
    const bits = deltas.map((delta, register) => (delta === 0n ? 0n : 1n << BigInt(register)));
    varint(
      out,
      bits.reduce((mask, bit) => mask | bit, 0n),
    );
  }
  REGISTERS.forEach((_, register) => {
    for (const { deltas } of told) if (deltas[register]) varint(out, zigzag(deltas[register]));
  });
  for (const { writes: all = [] } of steps) if (all.length > 0) varint(out, BigInt(all.length));
  writes.forEach((write, index) => {
    varint(out, zigzag(signed(write.at - (writes[index - 1]?.at ?? 0n))));
  });
  for (const write of writes) out.push(write.new.length);
  for (const write of writes) out.push(...write.old);
  for (const write of writes) out.push(...write.new);
  return seal(Uint8Array.from([0x54, 0x53, 2, 3, ...out]));
}

/** A step's head, and what its registers become as differences; RIP's to what follows the code. */
function toldOf(
  { cpu = 0, code = 0, vector, errorCode, becomes = {}, writes = [] }: MadeStep,
  files: bigint[][],
  codes: readonly { readonly length: number }[],
): { readonly head: number; readonly deltas: readonly bigint[] } {
  const file = files[cpu] ?? [];
  const length = vector === undefined ? (codes[code]?.length ?? 0) : 0;
  const base = file.map((value, register) => (register === INDEX.rip ? value + BigInt(length) : value));
  const next = REGISTERS.map((name, register) => becomes[name] ?? base[register] ?? 0n);
  next.forEach((value, register) => (file[register] = value & MASK));
  const bits = [vector !== undefined, true, writes.length > 0, errorCode !== undefined];
  return {
    head: bits.reduce((head, isSet, index) => head | (isSet ? 4 << index : 0), cpu),
    deltas: next.map((value, register) => signed(value - (base[register] ?? 0n))),
  };
}

/** A frame's bytes with the checksum behind them. */
export function seal(bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(bytes.length + 4);
  frame.set(bytes);
  new DataView(frame.buffer).setUint32(bytes.length, crc32(bytes), true);
  return frame;
}

const signed = (value: bigint): bigint => BigInt.asIntN(64, value);
const zigzag = (value: bigint): bigint => ((value << 1n) ^ (value >> 63n)) & MASK;

function varint(out: number[], value: bigint): void {
  for (let left = value; ; left >>= 7n) {
    if (left < 0x80n) {
      out.push(Number(left));
      return;
    }
    out.push(Number(left & 0x7fn) | 0x80);
  }
}
