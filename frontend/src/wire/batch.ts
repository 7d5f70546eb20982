/**
 * Decodes a batch of steps into the columns of those before.
 *
 * A batch says only how registers change, so the decoder holds every CPU's registers at the end of what it has
 * decoded, and batches must come in order. The layout is described where it is encoded (backend: wire): it goes column
 * by column, and a step's own changes and stores are put side by side here.
 */

import { hex, type U64, U64Column } from "../lib/hex";
import { FrameKind, openFrame } from "./frame";
import { FrameError, type Reader } from "./reader";
import { INDEX, REGISTERS } from "./registers";
import type { DeviceWrite, Steps } from "./steps";

const HEAD_CPU = 0b11;
const HEAD_DELIVERY = 1 << 2;
const HEAD_LANE = 1 << 3;
const HEAD_WRITES = 1 << 4;
const HEAD_ERROR_CODE = 1 << 5;
const HEAD_DEVICE = 1 << 6;
const HEAD_RESERVED = 1 << 7;

const LEAST_STEP = 3; // bytes: its head, its code or vector, its mask
const LONGEST_WRITE = 8; // bytes
const APIC_BASE = 0xfee00000;
const APIC_SIZE = 0x1000; // bytes

/** What the decoder needs to know of an instruction: where it lies, and how many bytes the CPU decoded. */
export interface CodeEntry {
  readonly rip: U64;
  readonly length: number;
}

export class BatchDecoder {
  readonly #steps: Steps;
  #registers: U64Column;

  /** `registers` holds every CPU's registers behind the last of `steps`, indexed as REGISTERS. */
  constructor(registers: readonly (readonly U64[])[], steps: Steps) {
    this.#registers = U64Column.of(registers.flat());
    this.#steps = steps;
  }

  /**
   * Adds a frame's steps; `codes` is the session's code table, with every entry that it names. Raises FrameError, and
   * then nothing counts.
   */
  decode(frame: Uint8Array, codes: readonly CodeEntry[]): void {
    const reader = openFrame(frame, FrameKind.Steps);
    const first = reader.varint();
    if (first !== this.#steps.end)
      throw new FrameError(`batch begins at moment ${first}, expected ${this.#steps.end}`);
    const count = reader.varint();
    if (count * LEAST_STEP > reader.left)
      throw new FrameError(`${count} steps announced, ${reader.left} bytes left`);
    this.#steps.reserve(frame.length);
    const registers = this.#registers.copy();
    const device = new Batch(reader, this.#steps, count, registers, codes).read();
    if (!reader.atEnd) throw new FrameError("bytes left after the last column");
    this.#steps.commit(count, device);
    this.#registers = registers;
  }
}

/** Reads one batch, each column over all of its steps, behind those that are there. */
class Batch {
  readonly #reader: Reader;
  readonly #steps: Steps;
  readonly #registers: U64Column;
  readonly #codes: readonly CodeEntry[];
  /** The batch's first step, and the one behind its last, in the columns. */
  readonly #first: number;
  readonly #end: number;
  readonly #heads: Uint8Array;
  readonly #masks: Uint32Array;
  /** For each step where its next change goes. */
  readonly #places: Uint32Array;

  constructor(
    reader: Reader,
    steps: Steps,
    count: number,
    registers: U64Column,
    codes: readonly CodeEntry[],
  ) {
    this.#reader = reader;
    this.#steps = steps;
    this.#registers = registers;
    this.#codes = codes;
    this.#first = steps.count;
    this.#end = steps.count + count;
    this.#heads = reader.take(count);
    this.#masks = new Uint32Array(count);
    this.#places = new Uint32Array(count);
  }

  /** Returns what was stored to devices, by the step's index: that is kept once the whole frame is right. */
  read(): Map<number, DeviceWrite[]> {
    this.#readCpus();
    this.#readCodes();
    this.#readDeliveries();
    this.#readLanes();
    this.#readMasks();
    for (let register = 0; register < REGISTERS.length; register++) {
      if (register === INDEX.rip) this.#readRips();
      else this.#readRegister(register);
    }
    this.#readWrites();
    return this.#readDeviceWrites();
  }

  #readCpus(): void {
    const cpus = this.#registers.length / REGISTERS.length;
    for (let index = this.#first; index < this.#end; index++) {
      const head = this.#head(index);
      const cpu = head & HEAD_CPU;
      if (cpu >= cpus || (head & HEAD_RESERVED) !== 0)
        throw this.#error(index, `is of CPU ${cpu} of ${cpus}, or sets a reserved bit`);
      if ((head & HEAD_ERROR_CODE) !== 0 && (head & HEAD_DELIVERY) === 0)
        throw this.#error(index, "is an instruction with an error code");
      this.#steps.cpus[index] = cpu;
    }
  }

  /** An instruction is told by how far it is from the one that would follow on its CPU's last. */
  #readCodes(): void {
    const { cpus, kinds } = this.#steps;
    const last = [-1, -1, -1, -1];
    for (let index = this.#first; index < this.#end; index++) {
      if ((this.#head(index) & HEAD_DELIVERY) !== 0) continue;
      const cpu = cpus[index] ?? 0;
      const told = this.#reader.varint();
      const code = (last[cpu] ?? -1) + 1 + (told % 2 === 0 ? told / 2 : -(told + 1) / 2);
      if (this.#codes[code] === undefined)
        throw this.#error(index, `names code ${code} of ${this.#codes.length}`);
      last[cpu] = code;
      kinds[index] = code;
    }
  }

  #readDeliveries(): void {
    const steps = this.#steps;
    for (let index = this.#first; index < this.#end; index++)
      if ((this.#head(index) & HEAD_DELIVERY) !== 0) steps.deliver(index, this.#reader.u8());
    for (let index = this.#first; index < this.#end; index++)
      if ((this.#head(index) & HEAD_ERROR_CODE) !== 0) steps.addErrorCode(index, this.#reader.varint());
  }

  /** What a step leaves out is what its CPU's step before it left. */
  #readLanes(): void {
    const { cpus, lanes } = this.#steps;
    const last: (number | undefined)[] = [];
    for (let index = this.#first; index < this.#end; index++) {
      const cpu = cpus[index] ?? 0;
      if ((this.#head(index) & HEAD_LANE) !== 0) last[cpu] = this.#reader.varint();
      const lane = last[cpu];
      if (lane === undefined) throw this.#error(index, `is CPU ${cpu}'s first in a batch and names no lane`);
      lanes[index] = lane;
    }
  }

  /** Says as well where each step's changes lie: RIP's first, then the others in the registers' order. */
  #readMasks(): void {
    const { changesAt } = this.#steps;
    for (let index = this.#first; index < this.#end; index++) {
      const mask = this.#reader.varint();
      if (mask >= 2 ** REGISTERS.length) throw this.#error(index, `changes unknown registers: ${mask}`);
      const at = changesAt[index] ?? 0;
      this.#masks[index - this.#first] = mask;
      this.#places[index - this.#first] = at + 1;
      changesAt[index + 1] = at + 1 + ones(mask & ~(1 << INDEX.rip));
    }
  }

  #readRegister(register: number): void {
    const reader = this.#reader;
    for (let index = this.#first; index < this.#end; index++) {
      const offset = index - this.#first;
      if ((((this.#masks[offset] ?? 0) >>> register) & 1) === 0) continue;
      this.#readDelta(index, register);
      const place = this.#places[offset] ?? 0;
      this.#places[offset] = place + 1;
      this.#change(index, place, register, reader.low, reader.high);
    }
  }

  /** Every step has a change of RIP: by the length of what was decoded, and by what is told beyond that. */
  #readRips(): void {
    const { changesAt, cpus, kinds } = this.#steps;
    const reader = this.#reader;
    for (let index = this.#first; index < this.#end; index++) {
      const code = this.#codes[kinds[index] ?? -1];
      const rip = this.#registers.at((cpus[index] ?? 0) * REGISTERS.length + INDEX.rip);
      if (code !== undefined && code.rip !== rip)
        throw this.#error(index, `was made at ${hex(code.rip)}; its CPU stands at ${hex(rip)}`);
      let [low, high] = [code?.length ?? 0, 0];
      if ((((this.#masks[index - this.#first] ?? 0) >>> INDEX.rip) & 1) !== 0) {
        this.#readDelta(index, INDEX.rip);
        low += reader.low;
        high = reader.high + (low > 0xffffffff ? 1 : 0);
      }
      this.#change(index, changesAt[index] ?? 0, INDEX.rip, low >>> 0, high);
    }
  }

  #readDelta(index: number, register: number): void {
    this.#reader.delta();
    if (this.#reader.low === 0 && this.#reader.high === 0)
      throw this.#error(index, `says that ${REGISTERS[register] ?? ""} changed, by nothing`);
  }

  /** Moves a register of a step's CPU by a difference in halves, and says so in the change at `place`. */
  #change(index: number, place: number, register: number, low: number, high: number): void {
    const steps = this.#steps;
    const [values, olds, news] = [this.#registers.halves, steps.olds.halves, steps.news.halves];
    const at = 2 * ((steps.cpus[index] ?? 0) * REGISTERS.length + register);
    const sum = (values[at] ?? 0) + low;
    steps.registers[place] = register;
    olds[2 * place] = values[at] ?? 0;
    olds[2 * place + 1] = values[at + 1] ?? 0;
    values[at] = sum;
    values[at + 1] = (values[at + 1] ?? 0) + high + (sum > 0xffffffff ? 1 : 0);
    news[2 * place] = values[at] ?? 0;
    news[2 * place + 1] = values[at + 1] ?? 0;
  }

  #readWrites(): void {
    const [reader, { writesAt, addresses, bytesAt, bytes }] = [this.#reader, this.#steps];
    const first = writesAt[this.#first] ?? 0;
    let end = first;
    for (let index = this.#first; index < this.#end; index++) {
      if ((this.#head(index) & HEAD_WRITES) !== 0) {
        const count = reader.varint();
        if (count === 0) throw this.#error(index, "announces writes and has none");
        end += count;
      }
      if (end - first > reader.left) throw this.#error(index, "announces more writes than there can be");
      writesAt[index + 1] = end;
    }
    let [low, high] = [0, 0];
    for (let at = first; at < end; at++) {
      reader.delta();
      low += reader.low;
      high = (high + reader.high + (low > 0xffffffff ? 1 : 0)) >>> 0;
      low >>>= 0;
      addresses.halves[2 * at] = low;
      addresses.halves[2 * at + 1] = high;
    }
    for (let at = first; at < end; at++) {
      const length = reader.u8();
      if (length < 1 || length > LONGEST_WRITE) throw new FrameError(`a write of ${length} bytes`);
      bytesAt[at + 1] = (bytesAt[at] ?? 0) + 2 * length;
    }
    for (const half of [0, 1]) {
      for (let at = first; at < end; at++) {
        const [from, to] = [bytesAt[at] ?? 0, bytesAt[at + 1] ?? 0];
        const length = (to - from) / 2;
        reader.takeInto(bytes, from + half * length, length);
      }
    }
  }

  #readDeviceWrites(): Map<number, DeviceWrite[]> {
    const reader = this.#reader;
    const counts: [number, number][] = [];
    let total = 0;
    for (let index = this.#first; index < this.#end; index++) {
      if ((this.#head(index) & HEAD_DEVICE) === 0) continue;
      const count = reader.varint();
      if (count === 0) throw this.#error(index, "announces device writes and has none");
      total += count;
      if (total > reader.left) throw this.#error(index, "announces more device writes than there can be");
      counts.push([index, count]);
    }
    const addresses = new U64Column(total);
    let [low, high] = [0, 0];
    for (let at = 0; at < total; at++) {
      reader.delta();
      low += reader.low;
      high = (high + reader.high + (low > 0xffffffff ? 1 : 0)) >>> 0;
      low >>>= 0;
      addresses.halves[2 * at] = low;
      addresses.halves[2 * at + 1] = high;
    }
    const lengths = Array.from({ length: total }, () => reader.u8());
    const writes = lengths.map((length, at) => {
      const address = addresses.at(at);
      if (length < 1 || length > LONGEST_WRITE || !isDevice(addresses.halves, at, length))
        throw new FrameError(`a write of ${length} bytes to a device at ${hex(address)}, where none is`);
      return { address, new: reader.take(length).slice() };
    });
    return new Map(counts.map(([index, count]) => [index, writes.splice(0, count)]));
  }

  #head(index: number): number {
    return this.#heads[index - this.#first] ?? 0;
  }

  #error(index: number, what: string): FrameError {
    return new FrameError(`step ${this.#steps.first + index} ${what}`);
  }
}

/** Whether the bytes are of the local APIC's page, the one device there is. */
function isDevice(halves: Uint32Array, at: number, length: number): boolean {
  const offset = (halves[2 * at] ?? 0) - APIC_BASE;
  return halves[2 * at + 1] === 0 && offset >= 0 && offset + length <= APIC_SIZE;
}

/** How many bits are set. */
function ones(mask: number): number {
  let count = 0;
  for (let left = mask; left !== 0; left &= left - 1) count++;
  return count;
}
