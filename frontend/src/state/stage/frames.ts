/** The iret frames on a CPU's stacks at a moment, outermost first, with what the CPU had pushed into each word. */

import { add, type U64, u64 } from "../../lib/hex";
import type { FramePushed, GapOpened, LensEvent } from "../../wire/wire.gen";
import type { Activation } from "../run/calls";
import type { Recording } from "../run/recording";

/** The words of a frame from its lowest address up: the order in which iretq pops them. */
export const FRAME_WORDS = ["ip", "cs", "flags", "sp", "ss"] as const;
export type FrameWord = (typeof FRAME_WORDS)[number];

export interface IretFrame {
  /** 0 is the outermost. */
  readonly index: number;
  /** Where ip lies. */
  readonly address: U64;
  /** Where the CPU had pushed it, before entry code moved it: the gap is in between. */
  readonly hardware: U64;
  readonly vector: number;
  /** The moment of the delivery that pushed it. */
  readonly pushed: number;
  readonly words: readonly FrameValue[];
}

export interface FrameValue {
  readonly word: FrameWord;
  readonly address: U64;
  readonly value: U64;
  /** What the delivery had pushed here. */
  readonly pushed: U64;
}

/** Frames of `cpu` that an iretq has yet to pop. */
export function framesAt(recording: Recording, moment: number, cpu: number): IretFrame[] {
  const traps: Activation[] = [];
  for (let at: Activation | null = recording.calls[cpu]?.at(moment) ?? null; at !== null; at = at.parent) {
    if (at.entry === "trap") traps.push(at);
  }
  const memory = recording.at(moment).memory;
  return traps.reverse().map((trap, index) => {
    const gap = recording.lastEvent(
      moment,
      (event): event is GapOpened =>
        event.event === "gap-opened" && event.n > trap.entered && u64(event.hardware) === trap.sp,
    );
    const address = gap === null ? trap.sp : u64(gap.addr);
    // Not "of this CPU": the task may have been moved here with its frame.
    const pushed = recording.eventsOf(trap.entered).find(isFrame);
    const words = FRAME_WORDS.map((word, offset) => {
      const at = add(address, offset * 8);
      const value = memory.u64(at);
      return { word, address: at, value, pushed: pushed === undefined ? value : u64(pushed.frame[word]) };
    });
    return { index, address, hardware: trap.sp, vector: trap.vector, pushed: trap.entered, words };
  });
}

function isFrame(event: LensEvent): event is FramePushed {
  return event.event === "frame-pushed";
}
