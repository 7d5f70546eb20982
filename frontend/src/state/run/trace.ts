/**
 * The recorded steps with keyframes: any moment of the run, without asking the server.
 *
 * One machine stands at the end, where steps are added; another goes where it is sent, and what `at` returns is good until the
 * next call.
 */

import { type U64, U64Column } from "../../lib/hex";
import type { MemoryRange } from "../../wire/frame";
import type { Step, Steps } from "../../wire/steps";
import { type Keyframe, Machine, TraceError } from "./machine";
import { Memory, physical } from "../guest/memory";

const KEYFRAME_INTERVAL = 1024; // steps

export class Trace {
  readonly #steps: Steps;
  readonly #start: Keyframe;
  readonly #keyframes: Keyframe[] = [];
  readonly #head: Machine;
  readonly #machine: Machine;

  /** `steps` begin at moment 0; `registers` and `ranges` are what there was then. */
  constructor(steps: Steps, registers: readonly (readonly U64[])[], ranges: readonly MemoryRange[]) {
    const memory = new Memory();
    for (const range of ranges) memory.put(physical(range.address), range.bytes);
    this.#steps = steps;
    this.#head = new Machine(steps, U64Column.of(registers.flat()), memory);
    this.#start = this.#head.keyframe();
    this.#machine = new Machine(steps, this.#start.registers.copy(), new Memory(this.#start.pages));
    this.#keyframes.push(this.#start);
    this.extend();
  }

  /** How many steps belong to it: those that are there and have been verified. */
  get length(): number {
    return this.#head.moment;
  }

  get cpus(): number {
    return this.#machine.cpus;
  }

  /** Memory as it was at moment 0. */
  initial(address: U64, length: number): Uint8Array {
    return new Memory(this.#start.pages).read(address, length);
  }

  step(moment: number): Step {
    if (moment >= this.length) throw new TraceError(`step ${moment} of ${this.length}`);
    return this.#steps.at(moment);
  }

  /** Takes up what has been added to the steps; raises TraceError where one does not belong there. */
  extend(): void {
    const head = this.#head;
    while (head.moment < this.#steps.end) {
      head.apply();
      if (head.moment % KEYFRAME_INTERVAL === 0) this.#keyframes.push(head.keyframe());
    }
  }

  /** Forgets every step from `moment` on: the server's log begins again there. */
  truncate(moment: number): void {
    if (moment >= this.length) return;
    // A state of its own: the head goes on writing where the other machine may still stand.
    this.#head.restore(this.at(moment).keyframe());
    this.#steps.truncate(moment);
    while ((this.#keyframes.at(-1)?.moment ?? 0) > moment) this.#keyframes.pop();
  }

  /** The machine at `moment`, from the nearer of where it stands and the keyframe before. */
  at(moment: number): Machine {
    if (!(moment >= 0 && moment <= this.length)) throw new TraceError(`moment ${moment} of ${this.length}`);
    const machine = this.#machine;
    const keyframe = this.#keyframes[Math.floor(moment / KEYFRAME_INTERVAL)];
    if (keyframe !== undefined && Math.abs(machine.moment - moment) > moment - keyframe.moment)
      machine.restore(keyframe);
    while (machine.moment < moment) machine.apply();
    while (machine.moment > moment) machine.undo();
    return machine;
  }
}
