/** Which events are worth stopping for, and where the next moment of each granularity lies. */

import { assertNever } from "../../lib/assertNever";
import type { LensEvent } from "../../wire/wire.gen";
import type { Recording } from "../run/recording";

export const GRANULARITIES = ["protocol", "event", "call", "instruction", "micro-step"] as const;
export type Granularity = (typeof GRANULARITIES)[number];

export type EventName = LensEvent["event"];

/** Steps of the text-patching protocol and what they bring about: the coarsest way to read a run. */
const PROTOCOL: ReadonlySet<EventName> = new Set<EventName>([
  "text-write",
  "patch-phase",
  "sync-core",
  "int3",
  "call-emulated",
  "fops-called",
  "fops-missed",
  "redirected",
  "old-body-ran",
  "fault",
]);

/** Where playing lingers: something that a picture shows has just changed. */
const BEATS: ReadonlySet<EventName> = new Set<EventName>([
  ...PROTOCOL,
  "frame-pushed",
  "frame-rewritten",
  "gap-opened",
  "push-begun",
  "slot-pushed",
  "pop-begun",
  "slot-popped",
  "iret",
  "irq",
  "nmi",
  "mce",
  "softirq",
  "preempted",
  "migrated",
  "forked",
]);

export const isBeat = (event: LensEvent): boolean => BEATS.has(event.event);
const isProtocol = (event: LensEvent): boolean => PROTOCOL.has(event.event);
const isAny = (): boolean => true;

/** The moment that one stride from `moment` leads to: an event counts as reached once its step is made. */
export function stride(
  recording: Recording,
  moment: number,
  granularity: Granularity,
  direction: 1 | -1,
): number {
  switch (granularity) {
    case "micro-step":
    case "instruction":
      return clamp(recording, moment + direction);
    case "protocol":
      return eventStride(recording, moment, direction, isProtocol);
    case "event":
      return eventStride(recording, moment, direction, isAny);
    case "call":
      return callStride(recording, moment, direction);
    default:
      return assertNever(granularity);
  }
}

/** The moment of the next beat, or the end. */
export function nextBeat(recording: Recording, moment: number): number {
  return eventStride(recording, moment, 1, isBeat);
}

/** The moment of the last beat before the step `step` was made; the start, where there is none. */
export function beatBefore(recording: Recording, step: number): number {
  return eventStride(recording, step + 1, -1, isBeat);
}

function eventStride(
  recording: Recording,
  moment: number,
  direction: 1 | -1,
  counts: (event: LensEvent) => boolean,
): number {
  if (direction < 0) return (recording.lastEvent(moment - 1, counts)?.n ?? -1) + 1;
  const next = recording.nextEvent(moment, counts);
  return next === null ? recording.length : next.n + 1;
}

/** Where any CPU next enters or leaves a function. */
function callStride(recording: Recording, moment: number, direction: 1 | -1): number {
  const moments = recording.calls.map((calls) =>
    direction > 0
      ? (calls.moments.find((candidate) => candidate > moment) ?? recording.length)
      : (calls.moments.findLast((candidate) => candidate < moment) ?? 0),
  );
  return direction > 0 ? Math.min(recording.length, ...moments) : Math.max(0, ...moments);
}

function clamp(recording: Recording, moment: number): number {
  return Math.min(Math.max(moment, 0), recording.length);
}
