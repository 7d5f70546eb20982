/** What one CPU would decode at a site: in the coherent model what memory holds, in the weak one what it was told to see last. */

import { bytesToHex, equalBytes } from "../../lib/bytes";
import { compare } from "../../lib/hex";
import { decodeSite, siteText } from "../run/decode";
import type { Recording } from "../run/recording";
import type { Cause, Fetched, Site } from "../run/sites";

/** A byte as a CPU would fetch it. */
export interface FetchedByte {
  readonly index: number;
  readonly value: number;
  /** Memory holds another. */
  readonly isStale: boolean;
}

/** How a CPU came to see what it sees. */
export interface Since {
  readonly moment: number;
  readonly cause: Cause;
  /** The CPU that stored. */
  readonly cpu: number;
  /** The instruction that stored or serialised. */
  readonly insn: string;
}

export interface Decoded {
  readonly cpu: number;
  readonly text: string;
  /** `past`: this CPU's last step decoded it; `now`: it is what its next fetch there gives. */
  readonly when: "past" | "now";
  /** The five bytes that it would fetch; null in the coherent model, where they are memory's. */
  readonly fetched: readonly FetchedByte[] | null;
  /** Null where it sees what was there when the recording began. */
  readonly since: Since | null;
  /** What it would decode is neither int3, nor the old, nor the new instruction. */
  readonly isTorn: boolean;
}

/** A site at a moment; `held` is what memory holds there. */
export interface SiteThen {
  readonly site: Site;
  readonly held: Uint8Array;
  readonly moment: number;
  readonly isWeak: boolean;
}

export function decodedBy(
  recording: Recording,
  { site, held, moment, isWeak }: SiteThen,
  cpu: number,
): Decoded {
  const told = site.fetched.findLast((view) => view.cpu === cpu && view.moment <= moment) ?? null;
  const seen = told?.bytes ?? held;
  const bytes = Array.from(seen, (value, index) => ({ index, value, isStale: value !== held[index] }));
  const view = {
    cpu,
    fetched: isWeak ? bytes : null,
    since: isWeak ? sinceOf(recording, site, told, seen, moment) : null,
    isTorn: isTorn(site, seen),
  };
  const { last } = recording.around(cpu, moment);
  if (last !== null && last.code >= 0 && compare(last.rip, site.address) === 0) {
    return { ...view, text: shorten(recording.code(last).text), when: "past" };
  }
  return { ...view, text: fetchedText(recording, site, seen), when: "now" };
}

/**
 * What made a CPU see what it sees: what it was told of last, or the first store after that which it has not seen.
 *
 * Nothing is told of a store to a CPU that goes on seeing what it was told before.
 */
function sinceOf(
  recording: Recording,
  site: Site,
  told: Fetched | null,
  seen: Uint8Array,
  moment: number,
): Since | null {
  const from = told?.moment ?? 0;
  const missed = site.versions.find(
    (version) => version.moment > from && version.moment <= moment && !equalBytes(version.bytes, seen),
  );
  const cause = missed === undefined ? told?.cause : "stored";
  const since = missed?.moment ?? told?.moment;
  if (cause === undefined || since === undefined) return null;
  const step = recording.step(since - 1);
  const insn = step.code < 0 ? "" : (recording.code(step).text.split(" ")[0] ?? "");
  return { moment: since, cause, cpu: step.cpu, insn };
}

const INT3 = 0xcc;

/** A mixture of two versions: whoever decodes it runs an instruction that nobody meant. */
function isTorn(site: Site, seen: Uint8Array): boolean {
  const whole = site.versions.filter(({ part }) => part === null || part === "first-byte");
  return seen[0] !== INT3 && !whole.some((version) => equalBytes(version.bytes, seen));
}

/** As the CPU decoded those bytes somewhere in this run, else as far as ftrace's own forms go. */
function fetchedText(recording: Recording, site: Site, seen: Uint8Array): string {
  const insn = decodeSite(seen, site.address, recording.guest.symbols);
  if (insn.kind !== "unknown") return siteText(insn);
  const held = bytesToHex(seen);
  const ran = recording.codes.find(
    (code) => compare(code.rip, site.address) === 0 && held.startsWith(code.insn.bytes),
  );
  return ran === undefined ? siteText(insn) : shorten(ran.insn.text);
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
