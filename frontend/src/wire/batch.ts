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
const HEAD_RESERVED = 0b1100_0000;

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
  #registers: readonly (readonly U64[])[];
  #moment: number;

  /** `registers` holds every CPU's registers at `moment`, indexed as REGISTERS. */
  constructor(registers: readonly (readonly U64[])[], moment = 0) {
    this.#registers = registers;
    this.#moment = moment;
  }

  /** The moment that the next batch must begin with. */
  get moment(): number {
    return this.#moment;
  }

  /** `codes` is the session's code table, with every entry that this batch names. If it throws, nothing counts. */
  decode(frame: Uint8Array, codes: readonly CodeEntry[]): Step[] {
    const reader = open(frame, FrameKind.Steps);
    const first = reader.varint();
    if (first !== this.#moment)
      throw new FrameError(`batch begins at moment ${first}, expected ${this.#moment}`);
    const count = reader.varint();
    const batch = new Batch(reader, this.#registers, codes);
    const steps: Step[] = [];
    for (let index = 0; index < count; index++) steps.push(batch.step(first + index));
    if (!reader.atEnd) throw new FrameError("bytes left after the last step");
    this.#moment = first + count;
    this.#registers = batch.registers;
    return steps;
  }
}

/** Reads one batch's steps in order; what a step leaves out is what the step before it left. */
class Batch {
  readonly registers: U64[][];
  readonly #reader: Reader;
  readonly #codes: readonly CodeEntry[];
  readonly #lanes: (number | undefined)[] = [];
  #address = ZERO;

  constructor(reader: Reader, registers: readonly (readonly U64[])[], codes: readonly CodeEntry[]) {
    this.#reader = reader;
    this.registers = registers.map((file) => [...file]);
    this.#codes = codes;
  }

  step(moment: number): Step {
    const reader = this.#reader;
    const head = reader.u8();
    const cpu = head & HEAD_CPU;
    const registers = this.registers[cpu];
    if (registers === undefined) throw new FrameError(`a step of CPU ${cpu}, which this session lacks`);
    if ((head & HEAD_RESERVED) !== 0) throw new FrameError(`step ${moment} sets a reserved bit`);
    const rip = registers[INDEX.rip] ?? ZERO;
    let code = -1;
    let vector = -1;
    let errorCode = -1;
    let length = 0;
    if ((head & HEAD_DELIVERY) !== 0) {
      vector = reader.u8();
      if ((head & HEAD_ERROR_CODE) !== 0) errorCode = reader.varint();
    } else {
      if ((head & HEAD_ERROR_CODE) !== 0)
        throw new FrameError(`step ${moment}: an instruction with an error code`);
      code = reader.varint();
      length = this.#lengthOf(code, rip, moment);
    }
    if ((head & HEAD_LANE) !== 0) this.#lanes[cpu] = reader.varint();
    const lane = this.#lanes[cpu];
    if (lane === undefined) throw new FrameError(`the first step of CPU ${cpu} in a batch names no lane`);
    const regs = this.#changes(registers, add(rip, length), moment);
    const writes = (head & HEAD_WRITES) === 0 ? [] : this.#writes(moment);
    return { moment, cpu, rip, code, vector, errorCode, lane, regs, writes };
  }

  #lengthOf(code: number, rip: U64, moment: number): number {
    const entry = this.#codes[code];
    if (entry === undefined)
      throw new FrameError(`step ${moment} names code ${code} of ${this.#codes.length}`);
    if (entry.rip !== rip) {
      throw new FrameError(`step ${moment} was made at ${hex(entry.rip)}; its CPU stands at ${hex(rip)}`);
    }
    return entry.length;
  }

  /** `next` is where RIP goes if the step does not say otherwise. */
  #changes(registers: U64[], next: U64, moment: number): RegisterChange[] {
    const mask = this.#reader.varint();
    if (mask >= 2 ** REGISTERS.length)
      throw new FrameError(`step ${moment} changes unknown registers: ${mask}`);
    const changes: RegisterChange[] = [];
    for (let register = 0; register < REGISTERS.length; register++) {
      const old = registers[register] ?? ZERO;
      let value = register === INDEX.rip ? next : old;
      if ((mask >>> register) & 1) {
        const delta = this.#reader.delta();
        if (delta === ZERO) throw new FrameError(`step ${moment}: ${REGISTERS[register]} changed by nothing`);
        value = add(value, delta);
      }
      if (value === old) continue;
      registers[register] = value;
      changes.push({ register, old, new: value });
    }
    return changes;
  }

  #writes(moment: number): Write[] {
    const count = this.#reader.varint();
    if (count === 0) throw new FrameError(`step ${moment} announces writes and has none`);
    const writes: Write[] = [];
    for (let left = count; left > 0; left--) {
      this.#address = add(this.#address, this.#reader.delta());
      const length = this.#reader.varint();
      if (length === 0) throw new FrameError(`step ${moment} writes nothing at ${hex(this.#address)}`);
      writes.push({ address: this.#address, old: this.#reader.take(length), new: this.#reader.take(length) });
    }
    return writes;
  }
}
