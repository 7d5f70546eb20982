/** The five bytes being rewritten: what they are now, how far the protocol has come, what each CPU would decode there. */

import { bytesToHex } from "../../lib/bytes";
import { add, hex, type U64, u64 } from "../../lib/hex";
import type { FramePushed, LensEvent, PatchPhaseBegun } from "../../wire/wire.gen";
import { decodeSite, SITE_SIZE, siteText } from "../run/decode";
import type { Recording } from "../run/recording";
import { type Decoded, decodedBy } from "./decoded";
import type { Part, Site, Version } from "../run/sites";
import { shortName } from "../guest/symbols";

export interface SiteByte {
  readonly index: number;
  readonly value: number;
  /** What was here before the step just made, if that changed it. */
  readonly was: number | null;
  /** It is not what stood here when this change of the site began. */
  readonly isPoked: boolean;
}

export type PassName = Exclude<Part, "other"> | "sync";

/**
 * One line of the protocol for this site. `bytes` are what the site holds after it, where that is known.
 *
 * A store is done once it is made; a sync is `now` until the patcher goes on, because every other CPU has answered.
 */
export interface Pass {
  readonly name: PassName;
  readonly key: string;
  readonly state: "done" | "now" | "ahead" | "never";
  /** A sync that has been asked for and not been answered by all. */
  readonly isWaiting: boolean;
  readonly moment: number | null;
  readonly bytes: string | null;
}

/** One of the sites of this run, to choose from. */
export interface SiteChoice {
  readonly key: string;
  readonly name: string;
  readonly bytes: string;
}

export interface SiteView {
  readonly key: string;
  readonly name: string;
  readonly address: U64;
  readonly bytes: readonly SiteByte[];
  /** What they are as an instruction; null where they are none that ftrace writes. */
  readonly insn: string | null;
  readonly passes: readonly Pass[];
  readonly decodes: readonly Decoded[];
  /** All sites of this run, the one shown included. */
  readonly sites: readonly SiteChoice[];
}

/** The vector of #BP. */
const BREAKPOINT = 3;

const PROTOCOL: readonly Exclude<Part, "other">[] = ["breakpoint", "tail", "first-byte"];
const SYNCS = ["sync-1", "sync-2", "sync-3"] as const;

/** What to look at: the site `key`, or, where that is null, the one that matters to the CPU shown. */
export interface Look {
  readonly cpu: number;
  readonly isWeak: boolean;
  readonly key: string | null;
}

export function siteView(recording: Recording, moment: number, look: Look): SiteView | null {
  const { isWeak, key } = look;
  const site =
    recording.sites.all.find((other) => other.key === key) ??
    trappedAt(recording, moment, look.cpu) ??
    recording.sites.at(moment);
  if (site === null) return null;
  const { symbols } = recording.guest;
  const { memory } = recording.at(moment);
  const held = memory.read(site.address, SITE_SIZE);
  const change = changeAt(site, moment);
  const insn = decodeSite(held, site.address, symbols);
  return {
    key: site.key,
    name: nameOf(recording, site),
    address: site.address,
    bytes: bytesOf(site, held, change, moment),
    insn: insn.kind === "unknown" ? null : siteText(insn),
    passes: passesOf(recording, change, moment),
    decodes: Array.from({ length: recording.cpus }, (_, cpu) =>
      decodedBy(recording, { site, held, moment, isWeak }, cpu),
    ),
    sites: recording.sites.all.map((other) => ({
      key: other.key,
      name: nameOf(recording, other),
      bytes: bytesToHex(memory.read(other.address, SITE_SIZE), " "),
    })),
  };
}

/** The site whose breakpoint the CPU is in the middle of handling. */
function trappedAt(recording: Recording, moment: number, cpu: number): Site | null {
  let at = recording.calls[cpu]?.at(moment) ?? null;
  while (at !== null && !(at.entry === "trap" && at.vector === BREAKPOINT)) at = at.parent;
  const pushed = at === null ? undefined : recording.eventsOf(at.entered).find(isFramePushed);
  return pushed === undefined ? null : recording.sites.containing(add(u64(pushed.frame.ip), -1));
}

const isFramePushed = (event: LensEvent): event is FramePushed => event.event === "frame-pushed";

function nameOf({ guest: { symbols } }: Recording, { address }: Site): string {
  return symbols.label(address) ?? shortName(symbols.name(address) ?? hex(address));
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
      isWaiting: false,
      bytes:
        store === undefined
          ? isOld
            ? bytesToHex(change.before.bytes, " ")
            : null
          : bytesToHex(store.bytes, " "),
    });
    const sync = syncAfter(recording, SYNCS[index] ?? "sync-3", at);
    const isWaiting = sync !== null && sync.begun <= moment && moment < sync.over;
    passes.push({
      name: "sync",
      key: `sync-${index}`,
      moment: sync?.begun ?? null,
      state: sync === null ? "never" : sync.begun > moment ? "ahead" : isWaiting ? "now" : "done",
      isWaiting,
      bytes: null,
    });
  });
  // The protocol stands at the last line that has been reached, as long as there is one to come.
  const reached = passes.findLastIndex((pass) => pass.state === "done" || pass.state === "now");
  const goesOn = passes.some((pass) => pass.state === "ahead");
  return passes.map((pass, index) => (index === reached && goesOn ? { ...pass, state: "now" } : pass));
}

/** From the moment at which the patcher began a sync until it went on; `over` is infinite where it never did. */
interface Sync {
  readonly begun: number;
  readonly over: number;
}

/** The sync behind a pass over this site; null where the patcher went on without one. */
function syncAfter(recording: Recording, phase: string, after: number | null): Sync | null {
  if (after === null) return null;
  // Who is done too early syncs afterwards all the same.
  const begun = phaseFrom(recording, after, (next) => next !== "done" || phase !== "sync-3");
  if (begun?.phase !== phase) return null;
  const over = phaseFrom(recording, begun.n + 1, () => true);
  return { begun: begun.n + 1, over: over === null ? Infinity : over.n + 1 };
}

function phaseFrom(
  recording: Recording,
  moment: number,
  counts: (phase: string) => boolean,
): PatchPhaseBegun | null {
  const isPhase = (event: LensEvent): boolean => event.event === "patch-phase" && counts(event.phase);
  const event = recording.nextEvent(moment, isPhase);
  return event?.event === "patch-phase" ? event : null;
}
