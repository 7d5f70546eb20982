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
const VERSION = 2;

const HEAD_CPU = 0b11;
const HEAD_DELIVERY = 1 << 2;
const HEAD_LANE = 1 << 3;
const HEAD_WRITES = 1 << 4;
const HEAD_ERROR_CODE = 1 << 5;
const HEAD_RESERVED = 0b1100_0000;

const LONGEST_WRITE = 8; // bytes

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
    const batch = new Batch(reader, first, count, this.#registers, codes);
    if (!reader.atEnd) throw new FrameError("bytes left after the last column");
    const steps = Array.from({ length: count }, (_, index) => batch.step(index));
    this.#moment = first + count;
    this.#registers = batch.registers;
    return steps;
  }
}

/** One batch: its columns, read at once, and then its steps, to be asked for in order. */
class Batch {
  readonly registers: U64[][];
  readonly #first: number;
  readonly #codes: readonly CodeEntry[];
  readonly #head: Uint8Array;
  readonly #ids: number[] = [];
  readonly #vectors: Uint8Array;
  readonly #errorCodes: Queue<number>;
  readonly #lanes: number[] = [];
  readonly #masks: readonly number[];
  readonly #deltas: readonly Queue<U64>[];
  readonly #counts: Queue<number>;
  readonly #writes: Queue<Write>;
  #instructions = 0;
  #deliveries = 0;

  constructor(
    reader: Reader,
    first: number,
    count: number,
    registers: readonly (readonly U64[])[],
    codes: readonly CodeEntry[],
  ) {
    this.registers = registers.map((file) => [...file]);
    this.#first = first;
    this.#codes = codes;
    this.#head = reader.take(count);
    this.#head.forEach((head, index) => {
      const isInstruction = (head & HEAD_DELIVERY) === 0;
      if ((head & HEAD_CPU) >= registers.length || (head & HEAD_RESERVED) !== 0)
        throw new FrameError(`step ${first + index} is of a CPU that is not there, or sets a reserved bit`);
      if (isInstruction && (head & HEAD_ERROR_CODE) !== 0)
        throw new FrameError(`step ${first + index}: an instruction with an error code`);
    });
    this.#readIds(reader);
    this.#vectors = reader.take(this.#with(HEAD_DELIVERY));
    this.#errorCodes = new Queue(times(reader, this.#with(HEAD_ERROR_CODE), () => reader.varint()));
    this.#readLanes(reader);
    this.#masks = times(reader, count, () => reader.varint());
    if (this.#masks.some((mask) => mask >= 2 ** REGISTERS.length))
      throw new FrameError("a step changes registers that do not exist");
    this.#deltas = REGISTERS.map((_, register) => {
      const changed = this.#masks.filter((mask) => (mask >>> register) & 1).length;
      return new Queue(times(reader, changed, () => reader.delta()));
    });
    const counts = times(reader, this.#with(HEAD_WRITES), () => reader.varint());
    if (counts.includes(0)) throw new FrameError("a step announces writes and has none");
    this.#counts = new Queue(counts);
    this.#writes = new Queue(
      readWrites(
        reader,
        counts.reduce((sum, each) => sum + each, 0),
      ),
    );
  }

  step(index: number): Step {
    const head = this.#head[index] ?? 0;
    const moment = this.#first + index;
    const cpu = head & HEAD_CPU;
    const registers = this.registers[cpu] ?? [];
    const rip = registers[INDEX.rip] ?? ZERO;
    let code = -1;
    let vector = -1;
    let errorCode = -1;
    let length = 0;
    if ((head & HEAD_DELIVERY) !== 0) {
      vector = this.#vectors[this.#deliveries++] ?? -1;
      if ((head & HEAD_ERROR_CODE) !== 0) errorCode = this.#errorCodes.next();
    } else {
      code = this.#ids[this.#instructions++] ?? -1;
      length = this.#lengthOf(code, rip, moment);
    }
    const lane = this.#lanes[index] ?? 0;
    const regs = this.#changes(registers, add(rip, length), index);
    const writes =
      (head & HEAD_WRITES) === 0
        ? []
        : Array.from({ length: this.#counts.next() }, () => this.#writes.next());
    return { moment, cpu, rip, code, vector, errorCode, lane, regs, writes };
  }

  #with(bit: number): number {
    return this.#head.reduce((sum, head) => sum + ((head & bit) !== 0 ? 1 : 0), 0);
  }

  /** An instruction is told by how far it is from the one that would follow on its CPU's last. */
  #readIds(reader: Reader): void {
    const last = [-1, -1, -1, -1];
    for (const head of this.#head) {
      if ((head & HEAD_DELIVERY) !== 0) continue;
      const cpu = head & HEAD_CPU;
      const code = reader.varint();
      const id = (last[cpu] ?? -1) + 1 + (code % 2 === 0 ? code / 2 : -(code + 1) / 2);
      last[cpu] = id;
      this.#ids.push(id);
    }
  }

  /** What a step leaves out is what its CPU's step before it left. */
  #readLanes(reader: Reader): void {
    const last: (number | undefined)[] = [];
    for (const head of this.#head) {
      const cpu = head & HEAD_CPU;
      if ((head & HEAD_LANE) !== 0) last[cpu] = reader.varint();
      const lane = last[cpu];
      if (lane === undefined) throw new FrameError(`the first step of CPU ${cpu} in a batch names no lane`);
      this.#lanes.push(lane);
    }
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
  #changes(registers: U64[], next: U64, index: number): RegisterChange[] {
    const mask = this.#masks[index] ?? 0;
    const changes: RegisterChange[] = [];
    for (let register = 0; register < REGISTERS.length; register++) {
      const old = registers[register] ?? ZERO;
      let value = register === INDEX.rip ? next : old;
      if ((mask >>> register) & 1) {
        const delta = this.#deltas[register]?.next() ?? ZERO;
        if (delta === ZERO)
          throw new FrameError(`step ${this.#first + index}: ${REGISTERS[register]} changed by nothing`);
        value = add(value, delta);
      }
      if (value === old) continue;
      registers[register] = value;
      changes.push({ register, old, new: value });
    }
    return changes;
  }
}

/** Values that are taken from front to back. */
class Queue<T> {
  #at = 0;
  readonly #values: readonly T[];

  constructor(values: readonly T[]) {
    this.#values = values;
  }

  next(): T {
    const value = this.#values[this.#at];
    if (value === undefined) throw new FrameError("a column is shorter than the columns before it say");
    this.#at += 1;
    return value;
  }
}

/** Each takes at least a byte, so never more are read than can be there. */
function times<T>(reader: Reader, count: number, read: () => T): T[] {
  if (count > reader.left) throw new FrameError(`${count} values announced, ${reader.left} bytes left`);
  return Array.from({ length: count }, read);
}

function readWrites(reader: Reader, count: number): Write[] {
  let address = ZERO;
  const addresses = times(reader, count, () => {
    address = add(address, reader.delta());
    return address;
  });
  const lengths = [...reader.take(count)];
  if (lengths.some((length) => length < 1 || length > LONGEST_WRITE))
    throw new FrameError(`a write of less than 1 or more than ${LONGEST_WRITE} bytes`);
  const old = lengths.map((length) => reader.take(length));
  const now = lengths.map((length) => reader.take(length));
  return addresses.map((at, index) => ({
    address: at,
    old: old[index] ?? new Uint8Array(),
    new: now[index] ?? new Uint8Array(),
  }));
}
