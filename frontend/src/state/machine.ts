/** The state of the whole machine at one moment, and the two ways time can go: apply a step, undo it. */

import { equalBytes, bytesToHex } from "../lib/bytes";
import { hex, type U64, ZERO } from "../lib/hex";
import type { Step } from "../wire/batch";
import { INDEX, type RegisterName } from "../wire/registers";
import { isRam, type Memory, type Pages } from "./memory";

/** A step that does not belong to the state it was applied to: a broken stream, never the user's doing. */
export class TraceError extends Error {
  override readonly name = "TraceError";
}

export interface Keyframe {
  readonly moment: number;
  readonly registers: readonly (readonly U64[])[];
  readonly pages: Pages;
}

export class Machine {
  moment = 0;
  readonly memory: Memory;
  #registers: U64[][];

  constructor(registers: readonly (readonly U64[])[], memory: Memory) {
    this.#registers = registers.map((file) => [...file]);
    this.memory = memory;
  }

  get cpus(): number {
    return this.#registers.length;
  }

  register(cpu: number, name: RegisterName): U64 {
    return this.#registers[cpu]?.[INDEX[name]] ?? ZERO;
  }

  apply(step: Step): void {
    if (step.moment !== this.moment)
      throw new TraceError(`step ${step.moment} applied at moment ${this.moment}`);
    for (const write of step.writes) {
      if (!isRam(write.address, write.new.length)) {
        throw new TraceError(`step ${step.moment} writes to ${hex(write.address)}, which is not RAM`);
      }
      const held = this.memory.read(write.address, write.old.length);
      if (!equalBytes(held, write.old)) {
        throw new TraceError(
          `step ${step.moment} overwrites ${bytesToHex(write.old)} at ${hex(write.address)}, where ${bytesToHex(held)} is`,
        );
      }
      this.memory.write(write.address, write.new);
    }
    this.#change(step, "new");
    this.moment += 1;
  }

  undo(step: Step): void {
    if (step.moment !== this.moment - 1)
      throw new TraceError(`step ${step.moment} undone at moment ${this.moment}`);
    for (const write of step.writes.toReversed()) this.memory.write(write.address, write.old);
    this.#change(step, "old");
    this.moment -= 1;
  }

  keyframe(): Keyframe {
    return {
      moment: this.moment,
      registers: this.#registers.map((file) => [...file]),
      pages: this.memory.share(),
    };
  }

  restore(keyframe: Keyframe): void {
    this.moment = keyframe.moment;
    this.#registers = keyframe.registers.map((file) => [...file]);
    this.memory.restore(keyframe.pages);
  }

  #change(step: Step, side: "old" | "new"): void {
    const registers = this.#registers[step.cpu];
    if (registers === undefined)
      throw new TraceError(`step ${step.moment} is of CPU ${step.cpu}, which is not there`);
    for (const change of step.regs) registers[change.register] = change[side];
  }
}
