/** What there is to tell at a moment: the weightiest event of the step just made, or the step itself. */

import type { Lane, LensEvent, Told, VerdictName } from "../../wire/wire.gen";
import { compactInsn } from "../guest/assembly";
import { type Part, partsOf } from "../stage/micro";
import type { Recording } from "../run/recording";
import { shortName, splitName } from "../guest/symbols";
import { wordText } from "../guest/words";

/** What a story depends on besides the run and the moment. */
export interface Aspect {
  /** How many words of the step at the moment have been moved already. */
  readonly micro: number;
  /** How the run ended; null while it has not. */
  readonly verdict: VerdictName | null;
}

export type Story =
  | { readonly is: "end"; readonly verdict: VerdictName }
  | { readonly is: "start"; readonly cpu: number; readonly function: string }
  | {
      readonly is: "part";
      readonly part: Part;
      readonly index: number;
      readonly of: number;
      readonly name: string;
    }
  | { readonly is: "event"; readonly event: LensEvent; readonly told: Told }
  | {
      readonly is: "step";
      readonly cpu: number;
      readonly text: string;
      readonly function: string;
      readonly place: string;
      readonly source: string | null;
    };

export interface Tale {
  readonly story: Story;
  readonly lane: Lane | null;
  /** The other events of the same step. */
  readonly others: readonly LensEvent[];
  /** The last event that lies further back, and how many steps. */
  readonly since: { readonly event: LensEvent; readonly steps: number } | null;
}

export function storyAt(recording: Recording, moment: number, { micro, verdict }: Aspect): Tale {
  const parts = micro > 0 ? partsOf(recording, moment) : [];
  const part = parts[micro - 1];
  if (part !== undefined) {
    const name = wordText(recording.guest.symbols, part.value);
    const story = { is: "part", part, index: micro, of: parts.length, name } as const;
    return { story, lane: recording.lane(recording.step(moment)), others: [], since: null };
  }
  if (moment === 0) {
    const name = recording.guest.symbols.owner(recording.at(0).register(0, "rip")) ?? "";
    return { story: { is: "start", cpu: 0, function: name }, lane: null, others: [], since: null };
  }
  const step = recording.step(moment - 1);
  const lane = recording.lane(step);
  const told = recording.toldOf(moment - 1);
  const [first] = told.toSorted((one, other) => one.told.weight - other.told.weight);
  if (first !== undefined) {
    return {
      story: { is: "event", ...first },
      lane,
      others: told.flatMap(({ event }) => (event === first.event ? [] : [event])),
      since: null,
    };
  }
  if (verdict !== null && moment === recording.length) {
    return { story: { is: "end", verdict }, lane, others: [], since: null };
  }
  const last = recording.lastEvent(moment - 1, () => true);
  const since = last === null ? null : { event: last, steps: moment - 1 - last.n };
  const insn = recording.code(step);
  const symbol = insn.symbol ?? insn.rip;
  return {
    story: {
      is: "step",
      cpu: step.cpu,
      text: compactInsn(insn.text),
      function: splitName(symbol).name,
      place: shortName(symbol),
      source: insn.file === null || insn.line === null ? null : `${insn.file}:${insn.line}`,
    },
    lane,
    others: [],
    since,
  };
}
