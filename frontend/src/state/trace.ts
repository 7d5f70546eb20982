/**
 * The recorded steps with keyframes: any moment of the run, without asking the server.
 *
 * There is one machine, and `at` moves it: what it returns is good until the next call.
 */

import type { U64 } from "../lib/hex";
import type { MemoryRange, Step } from "../wire/batch";
import { type Keyframe, Machine, TraceError } from "./machine";
import { Memory } from "./memory";

const KEYFRAME_INTERVAL = 1024; // steps

export class Trace {
  readonly #steps: Step[] = [];
  readonly #keyframes: Keyframe[] = [];
  readonly #machine: Machine;

  constructor(registers: readonly (readonly U64[])[], ranges: readonly MemoryRange[]) {
    const memory = new Memory();
    for (const range of ranges) memory.write(range.address, range.bytes);
    this.#machine = new Machine(registers, memory);
    this.#keyframes.push(this.#machine.keyframe());
  }

  get length(): number {
    return this.#steps.length;
  }

  get cpus(): number {
    return this.#machine.cpus;
  }

  /** Memory as it was at moment 0. */
  initial(address: U64, length: number): Uint8Array {
    return new Memory(this.#keyframes[0]?.pages).read(address, length);
  }

  step(moment: number): Step {
    const step = this.#steps[moment];
    if (step === undefined) throw new TraceError(`step ${moment} of ${this.length}`);
    return step;
  }

  /** Adds steps at the end, verifying that each belongs there: the bytes it overwrites are the bytes that are there. */
  append(steps: readonly Step[]): void {
    const machine = this.at(this.length);
    for (const step of steps) {
      machine.apply(step);
      this.#steps.push(step);
      if (machine.moment % KEYFRAME_INTERVAL === 0) this.#keyframes.push(machine.keyframe());
    }
  }

  /** Forgets every step from `moment` on: the server's log begins again there. */
  truncate(moment: number): void {
    if (moment >= this.length) return;
    this.at(moment);
    this.#steps.length = moment;
    while ((this.#keyframes.at(-1)?.moment ?? 0) > moment) this.#keyframes.pop();
  }

  /** The machine at `moment`, from the nearer of where it stands and the keyframe before. */
  at(moment: number): Machine {
    if (moment < 0 || moment > this.length) throw new TraceError(`moment ${moment} of ${this.length}`);
    const machine = this.#machine;
    const keyframe = this.#keyframes[Math.floor(moment / KEYFRAME_INTERVAL)];
    if (keyframe !== undefined && Math.abs(machine.moment - moment) > moment - keyframe.moment)
      machine.restore(keyframe);
    while (machine.moment < moment) machine.apply(this.step(machine.moment));
    while (machine.moment > moment) machine.undo(this.step(machine.moment - 1));
    return machine;
  }
}
