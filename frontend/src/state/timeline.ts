/** The whole run at a glance: for each CPU a band of contexts, the functions and traps above it, and the events. */

import type { ContextName, LensEvent } from "../wire/wire.gen";
import type { Activation } from "./calls";
import type { Recording } from "./recording";

export interface Band {
  readonly from: number;
  readonly to: number;
  readonly context: ContextName;
  readonly task: string;
  readonly trap: number;
}

export interface Slice {
  readonly from: number;
  readonly to: number;
  readonly level: number;
  readonly activation: Activation;
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
  readonly length: number;
  readonly lanes: readonly Lane[];
  readonly marks: readonly Mark[];
}

export function timeline(recording: Recording): Timeline {
  return {
    length: recording.length,
    lanes: recording.calls.map((calls, cpu) => laneOf(recording, calls.all, cpu)),
    marks: marksOf(recording),
  };
}

function laneOf(recording: Recording, all: readonly Activation[], cpu: number): Lane {
  const end = recording.length;
  // What a CPU was in all the time says nothing: levels begin where something was entered or left.
  const always = new Set(
    all
      .filter((activation) => activation.entered === 0 && activation.left === null)
      .map((activation) => activation.depth),
  );
  const base = always.size === 0 ? 0 : Math.max(...always) + 1;
  const slices = all
    .filter((activation) => activation.depth >= base)
    .map((activation) => ({
      from: activation.entered,
      to: activation.left ?? end,
      level: activation.depth - base,
      activation,
    }))
    .filter((slice) => slice.to > slice.from);
  return {
    cpu,
    bands: bandsOf(recording, cpu),
    slices,
    levels: slices.reduce((most, slice) => Math.max(most, slice.level + 1), 0),
  };
}

function bandsOf(recording: Recording, cpu: number): Band[] {
  const bands: { from: number; to: number; context: ContextName; task: string; trap: number }[] = [];
  for (let moment = 0; moment < recording.length; moment++) {
    const step = recording.step(moment);
    if (step.cpu !== cpu) continue;
    const lane = recording.lane(step);
    const last = bands.at(-1);
    if (last !== undefined) last.to = moment;
    if (last?.context !== lane.context || last.task !== lane.task || last.trap !== lane.trap) {
      bands.push({ from: moment, to: moment + 1, context: lane.context, task: lane.task, trap: lane.trap });
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
    const last = marks.at(-1);
    if (last?.moment === event.n && last.cpu === event.cpu) last.events.push(event);
    else marks.push({ moment: event.n, cpu: event.cpu, events: [event] });
  }
  return marks;
}
