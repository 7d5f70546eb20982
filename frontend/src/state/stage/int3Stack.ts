/**
 * struct ftrace_int3_stack wherever it lies: in a task's thread_info, or, as the patch argues against, in a CPU's own area.
 *
 * It is a LIFO. A slot belongs to a context only from the push to the pop, so the context comes from those events.
 */

import { add, hex, int32, type U64 } from "../../lib/hex";
import type { ContextName, PopBegun, PushBegun, SlotPopped, SlotPushed } from "../../wire/wire.gen";
import { type Field, fieldAt } from "../run/field";
import type { Recording } from "../run/recording";

const SLOT = 8; // bytes
const ACCESSES: ReadonlySet<string> = new Set(["push-begun", "slot-pushed", "pop-begun", "slot-popped"]);

export interface Slot {
  readonly index: number;
  readonly address: U64;
  readonly value: U64;
  /** The context that pushed it; null while the slot is free. */
  readonly context: ContextName | null;
  /** A push or a pop is half done: the address is there, and depth does not count it. */
  readonly isBetween: boolean;
  readonly isTop: boolean;
  readonly writer: number | null;
  readonly isNew: boolean;
}

export interface Int3Stack {
  readonly name: string;
  /** Offset in what contains it. */
  readonly offset: number;
  readonly size: number;
  readonly depth: Field;
  readonly count: number;
  readonly slots: readonly Slot[];
}

/** The one that lies at `base`, which is `offset` bytes into what is shown around it. */
export function int3StackAt(
  recording: Recording,
  moment: number,
  base: U64,
  name: string,
  offset: number,
): Int3Stack | null {
  const layout = recording.guest.layout("ftrace_int3_stack");
  const [depthOf, slotsOf] = [layout.find("depth"), layout.find("slots")];
  if (depthOf === null || slotsOf === null) return null;
  const depth = fieldAt(recording, moment, base, depthOf);
  const count = int32(depth.value);
  const memory = recording.at(moment).memory;
  const slots = Array.from({ length: slotsOf.size / SLOT }, (_, index): Slot => {
    const at = add(base, slotsOf.offset + index * SLOT);
    const writer = recording.writers.last(at, moment);
    return {
      index,
      address: at,
      value: memory.u64(at),
      context:
        index < count ? pusherOf(recording, moment, index, [hex(at), hex(add(base, depthOf.offset))]) : null,
      isBetween:
        index >= count && isHalfDone(recording, moment, index, [hex(at), hex(add(base, depthOf.offset))]),
      isTop: index === count - 1,
      writer,
      isNew: writer !== null && writer === moment - 1,
    };
  });
  return { name, offset, size: layout.size, depth, count, slots };
}

/** The context whose push of this slot has not been popped; `words` are the addresses of the slot and of depth. */
function pusherOf(
  recording: Recording,
  moment: number,
  index: number,
  words: readonly string[],
): ContextName | null {
  const event = recording.lastEvent(
    moment,
    (candidate): candidate is SlotPushed | SlotPopped =>
      (candidate.event === "slot-pushed" || candidate.event === "slot-popped") &&
      candidate.index === index &&
      words.includes(candidate.addr),
  );
  return event?.event === "slot-pushed" ? event.context : null;
}

/** Whether the last that was done with this slot is the first half of a push or a pop. */
function isHalfDone(recording: Recording, moment: number, index: number, words: readonly string[]): boolean {
  const event = recording.lastEvent(
    moment,
    (candidate): candidate is PushBegun | SlotPushed | PopBegun | SlotPopped =>
      ACCESSES.has(candidate.event) &&
      "index" in candidate &&
      candidate.index === index &&
      words.includes(candidate.addr),
  );
  return event?.event === "push-begun" || event?.event === "pop-begun";
}
