/**
 * What moves when a step is made, as facts about places: a value travels, words are laid or taken, a byte flips.
 *
 * A place is named as the page's elements name themselves (`data-anchor`). Undone, a step moves the same things back.
 */

import { add, hex, type U64, u64 } from "../../lib/hex";
import type { Step } from "../../wire/steps";
import type { LensEvent, PopBegun, SlotPopped } from "../../wire/wire.gen";
import { SITE_SIZE } from "../run/decode";
import { FRAME_WORDS, framesAt } from "./frames";
import { physical } from "../guest/memory";
import type { Recording } from "../run/recording";
import { stackKey } from "../guest/stackArea";
import { wordText } from "../guest/words";

export type Anchor = string;

export type Motion =
  /** `text` goes from the first of `from` that is on the page to `to`. */
  | { readonly is: "travel"; readonly from: readonly Anchor[]; readonly to: Anchor; readonly text: string }
  | { readonly is: "laid"; readonly at: Anchor; readonly order: number }
  | { readonly is: "taken"; readonly at: Anchor; readonly order: number }
  | { readonly is: "flip"; readonly at: Anchor }
  | { readonly is: "count"; readonly at: Anchor };

/** How many steps back a stub may have read the slot whose value it stores now. */
const POP_REACH = 4;

const wordAnchor = (address: U64): Anchor => `word:${hex(address)}`;
const lineAnchor = (step: Step): Anchor => `insn:${hex(step.rip)}`;

export function motionsOf(recording: Recording, moment: number): Motion[] {
  const step = recording.step(moment);
  if (step.code < 0) {
    return step.writes.map((write, order) => ({ is: "laid", at: wordAnchor(write.address), order }));
  }
  const events = recording.eventsOf(moment);
  const { text } = recording.code(step);
  const motions = events.flatMap((event) => motionsOfEvent(recording, step, event));
  if (text.startsWith("iret")) motions.push(...frameTaken(recording, step));
  else motions.push(...stackMotions(recording, step, text));
  return motions;
}

/** The same step, undone. */
export function reversed(motions: readonly Motion[]): Motion[] {
  const most = motions.reduce(
    (highest, motion) => Math.max(highest, "order" in motion ? motion.order : 0),
    0,
  );
  return motions.map((motion) => {
    switch (motion.is) {
      case "laid":
        return { ...motion, is: "taken", order: most - motion.order };
      case "taken":
        return { ...motion, is: "laid", order: most - motion.order };
      case "travel":
        return { ...motion, from: [motion.to], to: motion.from[0] ?? motion.to };
      case "flip":
      case "count":
        return motion;
    }
  });
}

function motionsOfEvent(recording: Recording, step: Step, event: LensEvent): Motion[] {
  switch (event.event) {
    case "text-write": {
      const from = physical(u64(event.addr)) - physical(u64(event.site));
      return Array.from({ length: event.new.length / 2 }, (_, index) => from + index)
        .filter((index) => index >= 0 && index < SITE_SIZE)
        .map((index) => ({ is: "flip", at: `byte:${index}` }));
    }
    case "push-begun":
    case "slot-pushed":
      if (event.access === "depth") return [{ is: "count", at: `depth:${event.addr}` }];
      return [
        {
          is: "travel",
          from: [...frameIp(recording, step), lineAnchor(step)],
          to: `slot:${event.addr}`,
          text: wordText(recording.guest.symbols, u64(event.value)),
        },
      ];
    case "pop-begun":
    case "slot-popped":
      return event.access === "depth" ? [{ is: "count", at: `depth:${event.addr}` }] : [];
    default:
      return [];
  }
}

/** The value that is pushed was computed from the innermost frame's ip. */
function frameIp(recording: Recording, step: Step): Anchor[] {
  const frame = framesAt(recording, step.moment, step.cpu).at(-1);
  return frame === undefined ? [] : [wordAnchor(frame.address)];
}

function frameTaken(recording: Recording, step: Step): Motion[] {
  const sp = recording.at(step.moment).register(step.cpu, "rsp");
  return FRAME_WORDS.map((_, order) => ({ is: "taken", at: wordAnchor(add(sp, order * 8)), order }));
}

/** Stores to this CPU's stack, and words that a pop or a return takes from it. */
function stackMotions(recording: Recording, step: Step, text: string): Motion[] {
  const { symbols } = recording.guest;
  const machine = recording.at(step.moment);
  const sp = machine.register(step.cpu, "rsp");
  if (/^(pop|ret)/.test(text)) return [{ is: "taken", at: wordAnchor(sp), order: 0 }];
  const stack = stackKey(symbols, sp);
  return step.writes
    .filter((write) => write.new.length === 8 && stackKey(symbols, add(write.address, 8)) === stack)
    .map((write) => ({
      is: "travel",
      from: [...slotRead(recording, step), lineAnchor(step)],
      to: wordAnchor(write.address),
      text: wordText(symbols, recording.at(step.moment + 1).memory.u64(write.address)),
    }));
}

/** The slot that a stub has just popped and now stores the value of. */
function slotRead(recording: Recording, step: Step): Anchor[] {
  if (!(recording.guest.symbols.owner(step.rip) ?? "").includes("_stub_")) return [];
  const popped = recording.lastEvent(
    step.moment,
    (event): event is PopBegun | SlotPopped =>
      event.cpu === step.cpu &&
      (event.event === "pop-begun" || event.event === "slot-popped") &&
      event.access === "slot",
  );
  return popped === null || popped.n < step.moment - POP_REACH ? [] : [`slot:${popped.addr}`];
}
