/** Who stored to a value last, and when: what the page says of every value that it shows. */

import type { U64 } from "../../lib/hex";
import type { ContextName } from "../../wire/wire.gen";
import { compactInsn } from "../guest/assembly";
import { physical } from "../guest/memory";
import type { Recording } from "./recording";
import { shortName } from "../guest/symbols";

/** The store that a value is left from. */
export interface Written {
  /** The moment right behind the store: the first that shows the value. */
  readonly moment: number;
  readonly cpu: number;
  readonly context: ContextName;
  /** The vector whose delivery stored it; -1 for an instruction. */
  readonly vector: number;
  /** Where the CPU stood, as symbol and offset. */
  readonly place: string;
  /** Empty for a delivery. */
  readonly insn: string;
}

/** The last step before `moment` that stored to any byte of `[at, at + size)`; null if none did since moment 0. */
export function lastWriter(recording: Recording, at: U64, size: number, moment: number): number | null {
  for (let end = moment; ;) {
    const last = recording.writers.last(at, end);
    if (last === null) return null;
    // Not merely to a neighbour in the same word.
    if (recording.step(last).writes.some((write) => overlaps(write.address, write.new.length, at, size)))
      return last;
    end = last;
  }
}

export function lastWritten(recording: Recording, at: U64, size: number, moment: number): Written | null {
  const writer = lastWriter(recording, at, size, moment);
  if (writer === null) return null;
  const step = recording.step(writer);
  return {
    moment: writer + 1,
    cpu: step.cpu,
    context: recording.lane(step).context,
    vector: step.vector,
    place: shortName(recording.guest.symbols.name(step.rip) ?? ""),
    insn: step.code < 0 ? "" : compactInsn(recording.code(step).text),
  };
}

function overlaps(a: U64, aSize: number, b: U64, bSize: number): boolean {
  return physical(a) < physical(b) + bSize && physical(b) < physical(a) + aSize;
}
