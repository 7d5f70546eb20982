/**
 * The words of one step: a delivery pushes them one after the other, iretq pops them. To the machine it is one step.
 *
 * So a micro-step is no moment: it lies between two of them, and only the stack and the story show it.
 */

import { add, hex, type U64 } from "../../lib/hex";
import { FRAME_WORDS, type FrameWord } from "./frames";
import type { Recording } from "../run/recording";

export interface Part {
  readonly is: "push" | "pop";
  /** Null for an error code, or a word that is not the frame's. */
  readonly word: FrameWord | null;
  readonly value: U64;
  /** Where it lies, as hex text. */
  readonly key: string;
}

/** The words that the step `moment` moves one by one; none where it is not worth dividing. */
export function partsOf(recording: Recording, moment: number): readonly Part[] {
  if (moment < 0 || moment >= recording.length) return [];
  const step = recording.step(moment);
  const machine = recording.at(moment);
  if (step.code < 0) {
    const pushed = FRAME_WORDS.toReversed();
    const after = recording.at(moment + 1).memory;
    return step.writes.map((write, index) => ({
      is: "push",
      word: pushed[index] ?? null,
      value: after.u64(write.address),
      key: hex(write.address),
    }));
  }
  if (!recording.code(step).text.startsWith("iret")) return [];
  const sp = machine.register(step.cpu, "rsp");
  return FRAME_WORDS.map((word, index) => {
    const address = add(sp, index * 8);
    return { is: "pop", word, value: machine.memory.u64(address), key: hex(address) };
  });
}

/** How many micro-steps the step `moment` takes. */
export function microLength(recording: Recording, moment: number): number {
  return Math.max(1, partsOf(recording, moment).length);
}
