/** Reads the vectors of binary frames that the backend's tests keep, and turns them into what the decoder takes. */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { hexToBytes } from "../src/lib/bytes";
import { type U64, u64 } from "../src/lib/hex";
import type { CodeEntry } from "../src/wire/batch";
import type { MemoryRange } from "../src/wire/frame";

export const VECTORS = join(dirname(fileURLToPath(import.meta.url)), "../../tests/wire/vectors");

interface Setting {
  readonly first: number;
  readonly registers: readonly string[];
  readonly cpus: readonly (readonly string[])[];
  readonly memory: readonly { addr: string; bytes: string }[];
  readonly codes: readonly { rip: string; bytes: string }[];
}

export interface StepsVector extends Setting {
  readonly frame: string;
  readonly steps: readonly { readonly n: number }[];
}

export interface RefusedVector extends Setting {
  readonly frames: readonly { readonly why: string; readonly frame: string }[];
}

export function vector<T>(name: string): T {
  return JSON.parse(readFileSync(join(VECTORS, name), "utf8")) as T;
}

export const filesOf = (setting: Setting): U64[][] => setting.cpus.map((file) => file.map(u64));

export const codesOf = (setting: Setting): CodeEntry[] =>
  setting.codes.map((code) => ({ rip: u64(code.rip), length: code.bytes.length / 2 }));

export const rangesOf = (memory: Setting["memory"]): MemoryRange[] =>
  memory.map((range) => ({ address: u64(range.addr), bytes: hexToBytes(range.bytes) }));
