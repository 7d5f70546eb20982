/**
 * Where another run of the same scenario stands that corresponds to a moment of this one: after the same event.
 *
 * Events are the same that are of one kind and come as the same one of that kind, counted from the start. Where the
 * other run has not got it (no slot is pushed under `gap`), the last event before it that both runs have counts.
 */

import { assertNever } from "../../lib/assertNever";
import type { LensEvent } from "../../wire/wire.gen";

/** One event as it can be found in another run: `ordinal` counts from 1. */
interface Landmark {
  readonly kind: string;
  readonly ordinal: number;
}

/** What to look for in the other run, the nearest first; `end` is its end, whatever came before. */
export type Landing =
  { readonly is: "end" } | { readonly is: "after"; readonly landmarks: readonly Landmark[] };

/** `events` are those of all steps before the moment. */
export function landingAt(events: readonly LensEvent[], isEnd: boolean): Landing {
  if (isEnd) return { is: "end" };
  const counts = new Map<string, number>();
  const landmarks = events.map((event) => {
    const kind = kindOf(event);
    const ordinal = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, ordinal);
    return { kind, ordinal };
  });
  return { is: "after", landmarks: landmarks.reverse() };
}

/** A run as far as it has been recorded. */
export interface Shore {
  readonly events: readonly LensEvent[];
  readonly length: number;
  /** Nothing more will come. */
  readonly isOver: boolean;
}

/** The moment to go to; null while the nearest event may still come. */
export function landed(landing: Landing, shore: Shore): number | null {
  switch (landing.is) {
    case "end":
      return shore.isOver ? shore.length : null;
    case "after": {
      const moments = momentsOf(shore.events);
      const [nearest] = landing.landmarks;
      if (nearest === undefined) return 0;
      const found = (shore.isOver ? landing.landmarks : [nearest])
        .map(({ kind, ordinal }) => moments.get(kind)?.[ordinal - 1])
        .find((moment) => moment !== undefined);
      return found ?? (shore.isOver ? 0 : null);
    }
    default:
      return assertNever(landing);
  }
}

/** For each kind the moments right after its events. */
function momentsOf(events: readonly LensEvent[]): Map<string, number[]> {
  const moments = new Map<string, number[]>();
  for (const event of events) {
    const kind = kindOf(event);
    const known = moments.get(kind);
    if (known === undefined) moments.set(kind, [event.n + 1]);
    else known.push(event.n + 1);
  }
  return moments;
}

/** An event's name, with what tells it from others of that name that mean something else. */
function kindOf(event: LensEvent): string {
  switch (event.event) {
    case "patch-phase":
      return `${event.event} ${event.phase}`;
    case "text-write":
      return `${event.event} ${event.part} ${event.symbol}`;
    case "frame-rewritten":
      return `${event.event} ${event.field}`;
    case "frame-pushed":
    case "iret":
    case "irq":
      return `${event.event} ${event.vector}`;
    default:
      return event.event;
  }
}
