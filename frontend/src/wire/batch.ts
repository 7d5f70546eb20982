/**
 * The two kinds of binary frame: guest memory at moment 0, and a batch of steps as deltas.
 *
 * A batch says only how registers change, so the decoder holds every CPU's registers at the end of what it has
 * decoded, and batches must come in order. The layout is described where it is encoded (backend: wire).
 */

import { crc32 } from "../lib/crc32";
import { add, hex, type U64, ZERO } from "../lib/hex";
import { FrameError, Reader } from "./reader";
import { INDEX, REGISTERS } from "./registers";

const HEADER_SIZE = 4;
const CHECKSUM_SIZE = 4;
const VERSION = 1;

const HEAD_CPU = 0b11;
const HEAD_DELIVERY = 1 << 2;
const HEAD_LANE = 1 << 3;
const HEAD_WRITES = 1 << 4;
const HEAD_ERROR_CODE = 1 << 5;

export const enum FrameKind {
  Memory = 1,
  Steps = 2,
}

export interface MemoryRange {
  readonly address: U64;
  readonly bytes: Uint8Array;
}

export interface RegisterChange {
  /** Indexes REGISTERS. */
  readonly register: number;
  readonly old: U64;
  readonly new: U64;
}

/** One store; `old` and `new` have the same length. */
export interface Write {
  readonly address: U64;
  readonly old: Uint8Array;
  readonly new: Uint8Array;
}

/** One unit of time of one CPU: an instruction (`vector` is -1) or a delivery (`code` is -1). */
export interface Step {
  readonly moment: number;
  readonly cpu: number;
  /** Where the CPU stood before the step. */
  readonly rip: U64;
  /** Indexes the session's code table. */
  readonly code: number;
  readonly vector: number;
  /** -1 where none is pushed. */
  readonly errorCode: number;
  /** Indexes the session's lanes. */
  readonly lane: number;
  readonly regs: readonly RegisterChange[];
  readonly writes: readonly Write[];
}

/** Checks magic, version and checksum; returns the kind and a reader that stands behind the header. */
function open(frame: Uint8Array, kind: FrameKind): Reader {
  if (frame.length < HEADER_SIZE + CHECKSUM_SIZE) throw new FrameError(`a frame of ${frame.length} bytes`);
  const end = frame.length - CHECKSUM_SIZE;
  const stored = new DataView(frame.buffer, frame.byteOffset + end, CHECKSUM_SIZE).getUint32(0, true);
  const computed = crc32(frame.subarray(0, end));
  if (stored !== computed)
    throw new FrameError(`checksum ${computed.toString(16)}, frame says ${stored.toString(16)}`);
  const reader = new Reader(frame, end);
  const magic = String.fromCharCode(reader.u8(), reader.u8());
  if (magic !== "TS") throw new FrameError(`magic ${JSON.stringify(magic)}, not "TS"`);
  const found = reader.u8();
  if (found !== (kind as number)) throw new FrameError(`kind ${found}, expected ${kind}`);
  const version = reader.u8();
  if (version !== VERSION) throw new FrameError(`version ${version}, this page reads ${VERSION}`);
  return reader;
}

export function decodeMemory(frame: Uint8Array): MemoryRange[] {
  const reader = open(frame, FrameKind.Memory);
  const ranges: MemoryRange[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    const address = reader.u64();
    ranges.push({ address, bytes: reader.take(reader.varint()) });
  }
  if (!reader.atEnd) throw new FrameError("bytes left after the last memory range");
  return ranges;
}

/** What the decoder needs to know of an instruction: where it lies, and how many bytes the CPU decoded. */
export interface CodeEntry {
  readonly rip: U64;
  readonly length: number;
}

export class BatchDecoder {
  readonly #registers: U64[][];
  #moment: number;

  /** `registers` holds every CPU's registers at `moment`, indexed as REGISTERS. */
  constructor(registers: readonly (readonly U64[])[], moment = 0) {
    this.#registers = registers.map((file) => [...file]);
    this.#moment = moment;
  }

  /** The moment that the next batch must begin with. */
  get moment(): number {
    return this.#moment;
  }

  /** `codes` is the session's code table, with every entry that this batch names. */
  decode(frame: Uint8Array, codes: readonly CodeEntry[]): Step[] {
    const reader = open(frame, FrameKind.Steps);
    const first = reader.varint();
    if (first !== this.#moment)
      throw new FrameError(`batch begins at moment ${first}, expected ${this.#moment}`);
    const count = reader.varint();
    const lanes: (number | undefined)[] = [];
    const steps: Step[] = [];
    let writeAddress = ZERO;

    for (let index = 0; index < count; index++) {
      const head = reader.u8();
      const cpu = head & HEAD_CPU;
      const registers = this.#registers[cpu];
      if (registers === undefined) throw new FrameError(`a step of CPU ${cpu}, which this session lacks`);
      const isDelivery = (head & HEAD_DELIVERY) !== 0;
      const code = isDelivery ? -1 : reader.varint();
      const vector = isDelivery ? reader.u8() : -1;
      const errorCode = (head & HEAD_ERROR_CODE) !== 0 ? reader.varint() : -1;
      if ((head & HEAD_LANE) !== 0) lanes[cpu] = reader.varint();
      const lane = lanes[cpu];
      if (lane === undefined) throw new FrameError(`the first step of CPU ${cpu} in a batch names no lane`);

      const rip = at(registers, INDEX.rip);
      const entry = isDelivery ? null : codes[code];
      if (entry === undefined)
        throw new FrameError(`step ${first + index} names code ${code} of ${codes.length}`);
      if (entry !== null && entry.rip !== rip) {
        throw new FrameError(
          `step ${first + index} was made at ${hex(entry.rip)}; its CPU stands at ${hex(rip)}`,
        );
      }
      const regs: RegisterChange[] = [];
      const mask = reader.varint();
      for (let register = 0; register < REGISTERS.length; register++) {
        const old = at(registers, register);
        let value = register === INDEX.rip && entry !== null ? add(old, entry.length) : old;
        if ((mask >>> register) & 1) value = add(value, reader.delta());
        if (value === old) continue;
        registers[register] = value;
        regs.push({ register, old, new: value });
      }
      if (mask >= 2 ** REGISTERS.length) throw new FrameError(`change mask ${mask} names unknown registers`);

      const writes: Write[] = [];
      if ((head & HEAD_WRITES) !== 0) {
        for (let left = reader.varint(); left > 0; left--) {
          writeAddress = add(writeAddress, reader.delta());
          const length = reader.varint();
          writes.push({ address: writeAddress, old: reader.take(length), new: reader.take(length) });
        }
      }
      steps.push({ moment: first + index, cpu, rip, code, vector, errorCode, lane, regs, writes });
    }
    if (!reader.atEnd) throw new FrameError("bytes left after the last step");
    this.#moment = first + count;
    return steps;
  }
}

function at(registers: readonly U64[], index: number): U64 {
  return registers[index] ?? ZERO;
}
