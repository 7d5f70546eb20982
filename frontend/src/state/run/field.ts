/** One member of a guest structure as it stands in memory at a moment, and who stored to it last. */

import { add, fromBytes, type U64, u64 } from "../../lib/hex";
import type { Step } from "../../wire/steps";
import type { MemberInfo } from "../../wire/wire.gen";
import { physical } from "../guest/memory";
import type { Recording } from "./recording";
import { lastWriter } from "./written";

/** The widest member that is shown as one value. */
const WORD = 8; // bytes

export interface Field {
  readonly path: string;
  readonly address: U64;
  readonly offset: number;
  readonly size: number;
  readonly value: U64;
  /** What it held before its last writer's store; its value, where nobody has written it. */
  readonly was: U64;
  /** The step that stored to it last; null where that was before the recording. */
  readonly writer: number | null;
  /** Whether the step just made stored to it. */
  readonly isNew: boolean;
  /** The index of the slot whose push stored here, though this is none of the slots; null where no push did. */
  readonly clobberedBy: number | null;
}

/** The member of the structure that lies at `base`. */
export function fieldAt(recording: Recording, moment: number, base: U64, member: MemberInfo): Field {
  const at = add(base, member.offset);
  const bytes = recording.at(moment).memory.read(at, Math.min(member.size, WORD));
  const writer = lastWriter(recording, at, member.size, moment);
  return {
    path: member.path,
    address: at,
    offset: member.offset,
    size: member.size,
    value: fromBytes(bytes),
    was: fromBytes(writer === null ? bytes : before(recording.step(writer), at, bytes)),
    writer,
    isNew: writer !== null && writer === moment - 1,
    clobberedBy: writer === null ? null : strayPush(recording, writer, at, member.size),
  };
}

/** The index of the slot that the step `writer` pushed to, where that slot lies in `[at, at + size)`. */
function strayPush(recording: Recording, writer: number, at: U64, size: number): number | null {
  for (const event of recording.eventsOf(writer)) {
    const isPush = event.event === "slot-pushed" || event.event === "push-begun";
    if (!isPush || event.access !== "slot") continue;
    const offset = physical(u64(event.addr)) - physical(at);
    if (offset > -WORD && offset < size) return event.index;
  }
  return null;
}

/** `bytes`, which lie at `address`, as they were before a step's stores. */
function before(step: Step, address: U64, bytes: Uint8Array): Uint8Array {
  const result = bytes.slice();
  for (const write of step.writes) {
    write.old.forEach((byte, index) => {
      const at = physical(write.address) + index - physical(address);
      if (at >= 0 && at < result.length) result[at] = byte;
    });
  }
  return result;
}
