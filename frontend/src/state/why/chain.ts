/** One way through the chain behind a value: from what was asked back to where it began, by the sources chosen. */

import type { Link, Source, Why } from "../../wire/wire.gen";

/** For a link of the chain, by id, the source that the way goes on with. */
export type Choices = ReadonlyMap<number, number>;

export interface Stop {
  readonly link: Link;
  /** What the link before took this value as; null for what was asked. */
  readonly role: Source["role"] | null;
  /** The source that the way goes on with; null at its end. */
  readonly next: Source | null;
  /** The other sources, each the beginning of another way. */
  readonly others: readonly Source[];
}

/** The stops in order. Where nothing was chosen, the way is the main line. */
export function wayThrough(chain: Why, choices: Choices): Stop[] {
  const stops: Stop[] = [];
  const seen = new Set<number>();
  let role: Source["role"] | null = null;
  let link = chain.links[0];
  while (link !== undefined && !seen.has(link.id)) {
    seen.add(link.id);
    const next = chosen(chain, link, choices);
    stops.push({ link, role, next, others: link.sources.filter((source) => source !== next) });
    role = next?.role ?? null;
    link = next === null ? undefined : chain.links[next.link];
  }
  return stops;
}

function chosen(chain: Why, link: Link, choices: Choices): Source | null {
  const choice = choices.get(link.id);
  if (choice !== undefined) return link.sources.find((source) => source.link === choice) ?? null;
  const main = chain.path[chain.path.indexOf(link.id) + 1];
  const isMain = chain.path.includes(link.id);
  if (isMain) return link.sources.find((source) => source.link === main) ?? null;
  // Beside the main line its rule holds too: the first source, and never only along an address.
  const [first] = link.sources;
  return first === undefined || first.role === "address" ? null : first;
}

/** The moment at which the stage shows the link's value for the first time; where no step made it, the one it was seen at. */
export function momentOf(link: Link): number {
  return link.step === null ? link.at : link.step.n + 1;
}
