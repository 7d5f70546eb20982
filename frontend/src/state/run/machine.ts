/** The state of the whole machine at one moment, and the two ways time can go: apply a step, undo it. */

import { bytesToHex } from "../../lib/bytes";
import type { U64Column } from "../../lib/hex";
import { hex, type U64 } from "../../lib/hex";
import { INDEX, type RegisterName, REGISTERS } from "../../wire/registers";
import type { Steps } from "../../wire/steps";
import { isRam, type Memory, type Pages, physicalOf } from "../guest/memory";

/** A step that does not belong to the state it was applied to: a broken stream, never the user's doing. */
export class TraceError extends Error {
  override readonly name = "TraceError";
}

export interface Keyframe {
  readonly moment: number;
  readonly registers: U64Column;
  readonly pages: Pages;
}

/** It moves along `steps`, from the moment of the first one. */
export class Machine {
  moment: number;
  readonly memory: Memory;
  readonly #steps: Steps;
  #registers: U64Column;

  /** `registers` are every CPU's at the moment of the first step, one after the other. */
  constructor(steps: Steps, registers: U64Column, memory: Memory) {
    this.moment = steps.first;
    this.memory = memory;
    this.#steps = steps;
    this.#registers = registers;
  }

  get cpus(): number {
    return this.#registers.length / REGISTERS.length;
  }

  register(cpu: number, name: RegisterName): U64 {
    return this.#registers.at(cpu * REGISTERS.length + INDEX[name]);
  }

  /** Every register of a CPU, indexed as REGISTERS. */
  file(cpu: number): U64[] {
    return REGISTERS.map((name) => this.register(cpu, name));
  }

  /** Makes the next step; raises TraceError where that does not belong here. */
  apply(): void {
    const { first, writesAt, addresses, bytesAt, bytes } = this.#steps;
    const index = this.moment - first;
    for (let at = writesAt[index] ?? 0; at < (writesAt[index + 1] ?? 0); at++) {
      const [from, to] = [bytesAt[at] ?? 0, bytesAt[at + 1] ?? 0];
      const [start, middle] = [placeOf(addresses, at), (from + to) / 2];
      if (!isRam(start, middle - from)) {
        throw new TraceError(`step ${this.moment} writes to ${hex(addresses.at(at))}, which is not RAM`);
      }
      if (!this.memory.holds(start, bytes, from, middle)) {
        const [old, held] = [bytes.subarray(from, middle), this.memory.read(addresses.at(at), middle - from)];
        throw new TraceError(
          `step ${this.moment} overwrites ${bytesToHex(old)} at ${hex(addresses.at(at))}, where ${bytesToHex(held)} is`,
        );
      }
      this.memory.put(start, bytes, middle, to);
    }
    this.#change(index, this.#steps.news);
    this.moment += 1;
  }

  /** Takes the last step back. */
  undo(): void {
    const { first, writesAt, addresses, bytesAt, bytes } = this.#steps;
    const index = this.moment - 1 - first;
    for (let at = (writesAt[index + 1] ?? 0) - 1; at >= (writesAt[index] ?? 0); at--) {
      const [from, to] = [bytesAt[at] ?? 0, bytesAt[at + 1] ?? 0];
      this.memory.put(placeOf(addresses, at), bytes, from, (from + to) / 2);
    }
    this.#change(index, this.#steps.olds);
    this.moment -= 1;
  }

  keyframe(): Keyframe {
    return { moment: this.moment, registers: this.#registers.copy(), pages: this.memory.share() };
  }

  restore(keyframe: Keyframe): void {
    this.moment = keyframe.moment;
    this.#registers = keyframe.registers.copy();
    this.memory.restore(keyframe.pages);
  }

  #change(index: number, side: U64Column): void {
    const { cpus, changesAt, registers } = this.#steps;
    const [values, file] = [this.#registers.halves, (cpus[index] ?? 0) * REGISTERS.length];
    for (let at = changesAt[index] ?? 0; at < (changesAt[index + 1] ?? 0); at++) {
      const register = 2 * (file + (registers[at] ?? 0));
      values[register] = side.halves[2 * at] ?? 0;
      values[register + 1] = side.halves[2 * at + 1] ?? 0;
    }
  }
}

/** Where the store `at` goes, physically. */
function placeOf(addresses: U64Column, at: number): number {
  return physicalOf(addresses.halves[2 * at] ?? 0, addresses.halves[2 * at + 1] ?? 0);
}
