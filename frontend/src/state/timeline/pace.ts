/**
 * How playing goes through a run for somebody who reads along: where it stays, and for how long.
 *
 * Of all beats those are stayed at that tell something for the first time, the weightiest first, for as long as there is
 * patience; what comes again and what means little is walked past.
 */

import type { Recording } from "../run/recording";
import type { Told } from "../../wire/wire.gen";
import { type EventName, isBeat } from "./beats";

export interface Stay {
  readonly moment: number;
  /** How long it takes to read what is told there, in ms. */
  readonly reading: number;
}

const RATE = 15; // characters a second
const LEAST = 1_500; // ms that any sentence stands
const PATIENCE = 40_000; // ms of reading in a whole run

/** What a run is about, before what it comes with. */
const ABOUT: readonly EventName[] = [
  "fault",
  "old-body-ran",
  "fops-missed",
  "push-begun",
  "pop-begun",
  "slot-pushed",
  "slot-popped",
  "int3",
  "frame-rewritten",
  "call-emulated",
  "frame-pushed",
  "stub-entered",
  "redirected",
  "fops-called",
  "gap-opened",
  "migrated",
  "preempted",
  "forked",
  "nmi",
  "mce",
  "irq",
  "softirq",
  "text-write",
  "patch-phase",
  "fetch-view",
  "sync-core",
];

/** How long a sentence of so many characters stands. */
export const readingTime = (characters: number): number => Math.max(LEAST, (characters / RATE) * 1000);

/** `lengthOf` says how many characters an event's sentence has. In the order of moments. */
export function stays(recording: Recording, lengthOf: (told: Told) => number): Stay[] {
  const seen = new Map<string, number>();
  const beats = beatsOf(recording).map(({ moment, event, told }) => {
    const again = seen.get(told.id) ?? 0;
    seen.set(told.id, again + 1);
    const about = ABOUT.indexOf(event);
    return { moment, told, again, about: about < 0 ? ABOUT.length : about };
  });
  const chosen: Stay[] = [];
  let left = PATIENCE;
  for (const { moment, told } of beats.toSorted((a, b) => a.again - b.again || a.about - b.about)) {
    const reading = readingTime(lengthOf(told));
    if (reading > left) break;
    left -= reading;
    chosen.push({ moment, reading });
  }
  return chosen.toSorted((a, b) => a.moment - b.moment);
}

/** Each step that is a beat, by what is told of it. */
function beatsOf(recording: Recording): { moment: number; event: EventName; told: Told }[] {
  const found: { moment: number; event: EventName; told: Told }[] = [];
  for (const { n } of recording.events) {
    if (found.at(-1)?.moment === n + 1) continue;
    const [first] = recording
      .toldOf(n)
      .filter(({ event }) => isBeat(event))
      .toSorted((a, b) => a.told.weight - b.told.weight);
    if (first !== undefined) found.push({ moment: n + 1, event: first.event.event, told: first.told });
  }
  return found;
}
