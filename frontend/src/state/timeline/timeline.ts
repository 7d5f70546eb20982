/** The whole run at a glance: for each CPU a band of contexts, the functions and traps above it, and the events. */

import type { ContextName, Finding, LensEvent } from "../../wire/wire.gen";
import type { Activation } from "../run/calls";
import type { Recording } from "../run/recording";

export interface Band {
  readonly from: number;
  readonly to: number;
  readonly context: ContextName;
  readonly task: string;
}

/** A stretch of functions that have called each other and do little else: drawn as one. */
export interface Slice {
  readonly from: number;
  readonly to: number;
  readonly level: number;
  /** Outermost first. */
  readonly activations: readonly Activation[];
}

export interface Lane {
  readonly cpu: number;
  readonly bands: readonly Band[];
  readonly slices: readonly Slice[];
  readonly levels: number;
}

export interface Mark {
  readonly moment: number;
  readonly cpu: number;
  readonly events: readonly LensEvent[];
}

export interface Timeline {
  readonly of: Recording;
  readonly length: number;
  readonly lanes: readonly Lane[];
  readonly marks: readonly Mark[];
  readonly findings: readonly Finding[];
}

/** While a run grows it is drawn anew only when it is longer by this: so all drawing together is linear. */
const GROWTH = 1.3;

/** `made` is drawn already: the timeline of this recording as it is now, or, while it grows, as good as. */
export function timeline(recording: Recording, made: Timeline | null = null, isGrowing = false): Timeline {
  const isDue = made?.of !== recording || made.length > recording.length;
  if (made !== null && isGrowing && !isDue && recording.length < made.length * GROWTH) return made;
  return {
    of: recording,
    length: recording.length,
    lanes: recording.calls.map((calls, cpu) => laneOf(recording, calls.all, cpu)),
    marks: marksOf(recording),
    findings: [...recording.findings],
  };
}

/**
 * The marks as they can be told apart where a pixel is `grain` moments: what comes on a CPU within a pixel is one mark,
 * with the first event of each kind.
 */
export function marksApart(marks: readonly Mark[], grain: number): readonly Mark[] {
  if (grain <= 1) return marks;
  const apart: { moment: number; cpu: number; events: LensEvent[] }[] = [];
  const open = new Map<number, (typeof apart)[number]>();
  for (const { moment, cpu, events } of marks) {
    let mark = open.get(cpu);
    if (mark === undefined || moment - mark.moment >= grain) {
      mark = { moment, cpu, events: [] };
      open.set(cpu, mark);
      apart.push(mark);
    }
    for (const event of events) {
      if (!mark.events.some((other) => other.event === event.event)) mark.events.push(event);
    }
  }
  return apart;
}

/** A callee that fills this much of its caller shares its slice. */
const SAME = 0.86;

function laneOf(recording: Recording, all: readonly Activation[], cpu: number): Lane {
  const slices = slicesOf(all, recording.length);
  return {
    cpu,
    bands: bandsOf(recording, cpu),
    slices,
    levels: slices.reduce((most, slice) => Math.max(most, slice.level + 1), 0),
  };
}

function slicesOf(all: readonly Activation[], end: number): Slice[] {
  const slices: { from: number; to: number; level: number; activations: Activation[] }[] = [];
  const sliceOf = new Map<Activation, (typeof slices)[number] | null>();
  for (const activation of all) {
    const [from, to] = [activation.here, activation.left ?? end];
    const outer = activation.parent === null ? null : (sliceOf.get(activation.parent) ?? null);
    // What a CPU was in all the time says nothing: the band below names its task.
    if (from === 0 && to === end) {
      sliceOf.set(activation, null);
      continue;
    }
    const isSame =
      outer !== null &&
      outer.activations.at(-1) === activation.parent &&
      activation.entry === "call" &&
      to - from >= SAME * (outer.to - outer.from);
    if (isSame) {
      outer.activations.push(activation);
      sliceOf.set(activation, outer);
      continue;
    }
    const slice = { from, to, level: outer === null ? 0 : outer.level + 1, activations: [activation] };
    sliceOf.set(activation, slice);
    if (to > from) slices.push(slice);
  }
  return slices;
}

function bandsOf(recording: Recording, cpu: number): Band[] {
  const bands: { from: number; to: number; context: ContextName; task: string }[] = [];
  for (const moment of recording.momentsOf(cpu)) {
    const step = recording.step(moment);
    const lane = recording.lane(step);
    const last = bands.at(-1);
    if (last !== undefined) last.to = moment;
    if (last?.context !== lane.context || last.task !== lane.task) {
      bands.push({ from: moment, to: moment + 1, context: lane.context, task: lane.task });
    }
  }
  const last = bands.at(-1);
  if (last !== undefined) last.to = recording.length;
  const [first] = bands;
  if (first !== undefined) first.from = 0;
  return bands;
}

function marksOf(recording: Recording): Mark[] {
  const marks: { moment: number; cpu: number; events: LensEvent[] }[] = [];
  for (const event of recording.events) {
    const mark = marks.findLast((other) => other.moment !== event.n || other.cpu === event.cpu);
    // A step of one CPU may mean something to another: what that would decode from now on.
    if (mark?.moment === event.n) mark.events.push(event);
    else marks.push({ moment: event.n, cpu: event.cpu, events: [event] });
  }
  return marks;
}
