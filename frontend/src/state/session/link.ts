/**
 * A run and a moment as an address: the query names the scenario and its choices, the fragment schedule and cursor.
 *
 * Such a link needs nothing that a server has stored; `?session=` joins a run that is there.
 */

import type { CreateSession } from "../../wire/wire.gen";

export interface Link {
  readonly choice: { readonly [K in "scenario" | "design"]?: string } & {
    readonly variants: readonly string[];
    readonly fetch: "coherent" | "weak";
  };
  readonly session: string | null;
  readonly schedule: string | null;
  readonly moment: number | null;
}

/** A link that cannot be read; the message names the part. */
export class BadLink extends Error {
  override readonly name = "BadLink";
}

export function parseLink(url: URL): Link {
  const query = url.searchParams;
  const fragment = new URLSearchParams(url.hash.replace(/^#/, ""));
  const fetch = query.get("fetch") ?? "coherent";
  if (fetch !== "coherent" && fetch !== "weak") throw new BadLink(`fetch=${fetch}: it is coherent or weak`);
  const moment = fragment.get("m");
  if (moment !== null && !/^\d{1,9}$/.test(moment)) throw new BadLink(`m=${moment}: a moment is a number`);
  const schedule = fragment.get("s");
  if (schedule?.trim() === "") throw new BadLink("s= is empty: a schedule has at least one token");
  const [scenario, design] = [query.get("scenario"), query.get("design")];
  return {
    choice: {
      ...(scenario === null ? {} : { scenario }),
      ...(design === null ? {} : { design }),
      variants: query.getAll("variant").flatMap((text) => text.split(",").filter((name) => name !== "")),
      fetch,
    },
    session: query.get("session"),
    schedule,
    moment: moment === null ? null : Number(moment),
  };
}

export type Choice = Required<Pick<CreateSession, "scenario" | "variants" | "fetch">> & {
  readonly design: string;
};

/** The address of a run: what stands in the browser's own address line. */
export function runAddress(base: URL, choice: Choice): URL {
  const url = new URL(base.pathname, base);
  url.searchParams.set("scenario", choice.scenario);
  url.searchParams.set("design", choice.design);
  for (const variant of choice.variants) url.searchParams.append("variant", variant);
  if (choice.fetch !== "coherent") url.searchParams.set("fetch", choice.fetch);
  return url;
}

/** The address of one moment of it. */
export function momentAddress(base: URL, choice: Choice, schedule: string, moment: number): URL {
  const url = runAddress(base, choice);
  // Spaces as "+" and the schedule's own signs as they are: a link that a person can read and edit.
  url.hash = `s=${encodeSchedule(schedule)}&m=${moment}`;
  return url;
}

export function sessionAddress(base: URL, session: string): URL {
  const url = new URL(base.pathname, base);
  url.searchParams.set("session", session);
  return url;
}

function encodeSchedule(schedule: string): string {
  return encodeURIComponent(schedule)
    .replace(/%20/g, "+")
    .replace(/%2A/g, "*")
    .replace(/%40/g, "@")
    .replace(/%3E/g, ">");
}
