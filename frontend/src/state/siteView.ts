/** The five bytes being rewritten: what they are now, how far the protocol has come, what each CPU would decode. */

import { bytesToHex } from "../lib/bytes";
import { compare, hex, type U64 } from "../lib/hex";
import { decodeSite, SITE_SIZE, siteText } from "./decode";
import type { Recording } from "./recording";
import type { Part, Site, Version } from "./sites";
import { shortName } from "./symbols";

export interface SiteByte {
  readonly index: number;
  readonly value: number;
  /** What was here before the step just made, if that changed it. */
  readonly was: number | null;
  /** It is not what stood here when this change of the site began. */
  readonly isPoked: boolean;
}

export type PassName = Exclude<Part, "other"> | "sync";

/** One line of the protocol for this site. `bytes` are what the site holds after it, where that is known. */
export interface Pass {
  readonly name: PassName;
  readonly key: string;
  readonly state: "done" | "now" | "ahead" | "never";
  readonly moment: number | null;
  readonly bytes: string | null;
}

export interface Decoded {
  readonly cpu: number;
  readonly text: string;
  /**
   * `past`: this CPU's last step decoded it; `now`: it is what a fetch gives; `newest`: it is what memory holds, while
   * this CPU may go on fetching what was there before (the weak model).
   */
  readonly when: "past" | "now" | "newest";
}

export interface SiteView {
  readonly name: string;
  readonly address: U64;
  readonly bytes: readonly SiteByte[];
  readonly insn: string;
  readonly passes: readonly Pass[];
  readonly decodes: readonly Decoded[];
  /** Other sites of this run. */
  readonly others: number;
}

const PROTOCOL: readonly Exclude<Part, "other">[] = ["breakpoint", "tail", "first-byte"];
const SYNCS = ["sync-1", "sync-2", "sync-3"] as const;

export function siteView(recording: Recording, moment: number, isWeak: boolean): SiteView | null {
  const site = recording.sites.at(moment);
  if (site === null) return null;
  const { symbols } = recording.guest;
  const held = recording.at(moment).memory.read(site.address, SITE_SIZE);
  const change = changeAt(site, moment);
  return {
    name: symbols.label(site.address) ?? shortName(symbols.name(site.address) ?? hex(site.address)),
    address: site.address,
    bytes: bytesOf(site, held, change, moment),
    insn: siteText(decodeSite(held, site.address, symbols)),
    passes: passesOf(recording, change, moment),
    decodes: Array.from({ length: recording.cpus }, (_, cpu) =>
      decodedBy(recording, site, held, moment, cpu, isWeak),
    ),
    others: recording.sites.all.length - 1,
  };
}

/** One change of a site: what it held before, and the stores from the breakpoint to the first byte. */
interface Change {
  readonly before: Version;
  readonly stores: readonly Version[];
}

/** The change that is going on at `moment`, else the last one, else the one to come. */
function changeAt(site: Site, moment: number): Change {
  const starts = site.versions.flatMap((version, index) => (version.part === "breakpoint" ? [index] : []));
  const first = site.versions[0] as Version;
  const start = starts.findLast((index) => (site.versions[index] as Version).moment <= moment) ?? starts[0];
  // A breakpoint that was there when the recording began belongs to a change whose beginning nobody saw.
  if (
    start === undefined ||
    (first.bytes[0] === 0xcc && moment < (site.versions[starts[0] ?? 0] as Version).moment)
  ) {
    return { before: first, stores: site.versions.slice(1, starts[0]) };
  }
  const next = starts.find((index) => index > start);
  return { before: site.versions[start - 1] ?? first, stores: site.versions.slice(start, next) };
}

function bytesOf(site: Site, held: Uint8Array, change: Change, moment: number): SiteByte[] {
  const version = site.versions.find((candidate) => candidate.moment === moment && candidate.part !== null);
  const previous = version === undefined ? null : site.versions[site.versions.indexOf(version) - 1];
  const isOver = change.stores.some((store) => store.part === "first-byte" && store.moment <= moment);
  return Array.from(held, (value, index) => {
    const was = previous?.bytes[index];
    return {
      index,
      value,
      was: was === undefined || was === value ? null : was,
      isPoked: !isOver && value !== change.before.bytes[index],
    };
  });
}

function passesOf(recording: Recording, change: Change, moment: number): Pass[] {
  const passes: Pass[] = [];
  const wasThere = change.before.bytes[0] === 0xcc;
  PROTOCOL.forEach((part, index) => {
    const store = change.stores.find((version) => version.part === part);
    const isOld = store === undefined && part === "breakpoint" && wasThere;
    const at = store?.moment ?? (isOld ? 0 : null);
    passes.push({
      name: part,
      key: part,
      moment: at,
      state: at === null ? "never" : at <= moment ? "done" : "ahead",
      bytes:
        store === undefined
          ? isOld
            ? bytesToHex(change.before.bytes, " ")
            : null
          : bytesToHex(store.bytes, " "),
    });
    const sync = syncAfter(recording, SYNCS[index] ?? "sync-3", at);
    passes.push({
      name: "sync",
      key: `sync-${index}`,
      moment: sync,
      state: sync === null ? "never" : sync <= moment ? "done" : "ahead",
      bytes: null,
    });
  });
  // The line that the protocol stands at is the last one that has been reached, until the next one is.
  const reached = passes.findLastIndex((pass) => pass.state === "done");
  const goesOn = passes.some((pass) => pass.state === "ahead");
  return passes.map((pass, index) => (index === reached && goesOn ? { ...pass, state: "now" } : pass));
}

/** The moment at which the patcher began to sync after a pass over this site. */
function syncAfter(recording: Recording, phase: string, after: number | null): number | null {
  if (after === null) return null;
  const event = recording.nextEvent(
    after,
    (candidate) =>
      candidate.event === "patch-phase" && (candidate.phase === phase || candidate.phase === "done"),
  );
  return event?.event === "patch-phase" && event.phase === phase ? event.n + 1 : null;
}

function decodedBy(
  recording: Recording,
  site: Site,
  held: Uint8Array,
  moment: number,
  cpu: number,
  isWeak: boolean,
): Decoded {
  const { last } = recording.around(cpu, moment);
  if (last !== null && last.code >= 0 && compare(last.rip, site.address) === 0) {
    return { cpu, text: shorten(recording.code(last).text), when: "past" };
  }
  const isChanged = site.versions.some((version) => version.part !== null && version.moment <= moment);
  const text = siteText(decodeSite(held, site.address, recording.guest.symbols));
  return { cpu, text, when: isWeak && isChanged ? "newest" : "now" };
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
