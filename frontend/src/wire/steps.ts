/**
 * Recorded steps in columns: some sixty bytes a step, however long the run. One becomes an object when it is looked at.
 *
 * The columns are open to the decoder that fills them and to the machine that applies them; everybody else takes a `Step`.
 */

import { type U64, U64Column } from "../lib/hex";

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

/** One store to a device's page, which is no memory: it changes none, and there is nothing to undo. */
export interface DeviceWrite {
  readonly address: U64;
  readonly new: Uint8Array;
}

const ROOM = 1024;
const VECTORS = 256;

export class Steps {
  /** The moment of the first step; every index below is a moment minus this. */
  readonly first: number;
  cpus = new Uint8Array(ROOM);
  /** The code of an instruction; -1 - vector of a delivery, less by VECTORS where it has an error code. */
  kinds = new Int32Array(ROOM);
  lanes = new Uint32Array(ROOM);
  /** Where each step's register changes begin: the first of them is RIP's, even where RIP stays. */
  changesAt = new Uint32Array(ROOM + 1);
  registers = new Uint8Array(ROOM);
  olds = new U64Column(ROOM);
  news = new U64Column(ROOM);
  /** Where each step's stores begin. */
  writesAt = new Uint32Array(ROOM + 1);
  addresses = new U64Column(ROOM);
  /** Where each store's old bytes begin in `bytes`; as many new ones follow, and then the next store's. */
  bytesAt = new Uint32Array(ROOM + 1);
  bytes = new Uint8Array(ROOM);
  readonly #errorCodes = new Map<number, number>();
  readonly #device = new Map<number, readonly DeviceWrite[]>();
  #count = 0;

  constructor(first = 0) {
    this.first = first;
  }

  get count(): number {
    return this.#count;
  }

  /** The moment behind the last step. */
  get end(): number {
    return this.first + this.#count;
  }

  /** The step `moment`; raises RangeError where there is none. */
  at(moment: number): Step {
    const index = moment - this.first;
    if (!(index >= 0 && index < this.#count)) throw new RangeError(`step ${moment} of ${this.end}`);
    return new Step(this, index);
  }

  cpuAt(moment: number): number {
    return this.cpus[moment - this.first] ?? 0;
  }

  laneAt(moment: number): number {
    return this.lanes[moment - this.first] ?? 0;
  }

  /** Says that the step at `index` is a delivery, and then, where it pushes one, its error code. */
  deliver(index: number, vector: number): void {
    this.kinds[index] = -1 - vector;
  }

  addErrorCode(index: number, errorCode: number): void {
    this.kinds[index] = (this.kinds[index] ?? -1) - VECTORS;
    this.#errorCodes.set(index, errorCode);
  }

  errorCodeAt(index: number): number {
    return (this.kinds[index] ?? 0) < -VECTORS ? (this.#errorCodes.get(index) ?? -1) : -1;
  }

  /** Makes room for all that a frame of so many bytes can say: a step takes three at least, a change one, a store four. */
  reserve(size: number): void {
    const steps = this.#count + size / 3;
    const changes = (this.changesAt[this.#count] ?? 0) + size;
    const writes = this.writesAt[this.#count] ?? 0;
    const bytes = (this.bytesAt[writes] ?? 0) + size;
    this.cpus = withRoom(this.cpus, steps);
    this.kinds = withRoom(this.kinds, steps);
    this.lanes = withRoom(this.lanes, steps);
    this.changesAt = withRoom(this.changesAt, steps + 1);
    this.writesAt = withRoom(this.writesAt, steps + 1);
    this.registers = withRoom(this.registers, changes);
    if (this.olds.length < this.registers.length) {
      this.olds = this.olds.copy(this.registers.length);
      this.news = this.news.copy(this.registers.length);
    }
    this.bytesAt = withRoom(this.bytesAt, writes + size / 4 + 1);
    if (this.addresses.length < this.bytesAt.length)
      this.addresses = this.addresses.copy(this.bytesAt.length);
    this.bytes = withRoom(this.bytes, bytes);
  }

  /** Counts steps that have been put behind the last one; `device` is what they stored to devices, by index. */
  commit(count: number, device: ReadonlyMap<number, readonly DeviceWrite[]>): void {
    this.#count += count;
    for (const [index, writes] of device) this.#device.set(index, writes);
  }

  deviceAt(index: number): readonly DeviceWrite[] {
    return this.#device.get(index) ?? [];
  }

  /** Forgets the step `moment` and all behind it. */
  truncate(moment: number): void {
    this.#count = Math.min(this.#count, Math.max(moment - this.first, 0));
    for (const index of this.#device.keys()) if (index >= this.#count) this.#device.delete(index);
  }
}

/** One unit of time of one CPU: an instruction (`vector` is -1) or a delivery (`code` is -1). */
export class Step {
  readonly #steps: Steps;
  readonly #index: number;

  constructor(steps: Steps, index: number) {
    this.#steps = steps;
    this.#index = index;
  }

  get moment(): number {
    return this.#steps.first + this.#index;
  }

  get cpu(): number {
    return this.#steps.cpus[this.#index] ?? 0;
  }

  /** Where the CPU stood before the step. */
  get rip(): U64 {
    return this.#steps.olds.at(this.#firstChange);
  }

  /** Where it stands after it. */
  get nextRip(): U64 {
    return this.#steps.news.at(this.#firstChange);
  }

  /** Indexes the session's code table. */
  get code(): number {
    return Math.max(this.#kind, -1);
  }

  get vector(): number {
    return this.#kind < 0 ? (-1 - this.#kind) % VECTORS : -1;
  }

  /** -1 where none is pushed. */
  get errorCode(): number {
    return this.#steps.errorCodeAt(this.#index);
  }

  /** Indexes the session's lanes. */
  get lane(): number {
    return this.#steps.lanes[this.#index] ?? 0;
  }

  get regs(): readonly RegisterChange[] {
    const { registers, olds, news } = this.#steps;
    const changes: RegisterChange[] = [];
    for (let at = this.#firstChange; at < this.#changesEnd; at++) {
      const change = { register: registers[at] ?? 0, old: olds.at(at), new: news.at(at) };
      if (change.old !== change.new) changes.push(change);
    }
    return changes;
  }

  /** What a register became; null where the step left it as it was. */
  became(register: number): U64 | null {
    const { registers, news } = this.#steps;
    for (let at = this.#firstChange; at < this.#changesEnd; at++)
      if (registers[at] === register) return news.at(at);
    return null;
  }

  get writes(): readonly Write[] {
    const { writesAt, addresses, bytesAt, bytes } = this.#steps;
    const writes: Write[] = [];
    for (let at = writesAt[this.#index] ?? 0; at < (writesAt[this.#index + 1] ?? 0); at++) {
      const [from, to] = [bytesAt[at] ?? 0, bytesAt[at + 1] ?? 0];
      const middle = (from + to) / 2;
      writes.push({
        address: addresses.at(at),
        old: bytes.slice(from, middle),
        new: bytes.slice(middle, to),
      });
    }
    return writes;
  }

  /** What it stored to the local APIC. */
  get device(): readonly DeviceWrite[] {
    return this.#steps.deviceAt(this.#index);
  }

  get #kind(): number {
    return this.#steps.kinds[this.#index] ?? 0;
  }

  get #firstChange(): number {
    return this.#steps.changesAt[this.#index] ?? 0;
  }

  get #changesEnd(): number {
    return this.#steps.changesAt[this.#index + 1] ?? 0;
  }
}

/** `column`, or one with the same entries and room for `length`: twice as long, so that filling it takes linear time. */
function withRoom<T extends Uint8Array | Uint32Array | Int32Array>(column: T, length: number): T {
  if (length <= column.length) return column;
  const wider = new (column.constructor as new (length: number) => T)(
    Math.ceil(Math.max(length, column.length * 2)),
  );
  wider.set(column);
  return wider;
}
