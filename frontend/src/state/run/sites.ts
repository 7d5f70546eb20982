/** The patch sites of a run: which five bytes are rewritten, every version of them, and which one matters now. */

import { hexToBytes } from "../../lib/bytes";
import { distance, type U64, u64 } from "../../lib/hex";
import type { FetchViewChanged, LensEvent, TextWritten } from "../../wire/wire.gen";
import { SITE_SIZE } from "./decode";

/** What a store to a site was, in the order of the protocol. */
export type Part = "breakpoint" | "tail" | "first-byte" | "other";

/** The bytes of a site from a moment on. */
export interface Version {
  /** The moment after the store; 0 for what was there when the recording began. */
  readonly moment: number;
  readonly bytes: Uint8Array;
  /** Null for what was there when the recording began. */
  readonly part: Part | null;
}

/** Why a CPU would decode other bytes than before. */
export type Cause = "stored" | "serialised" | "schedule";

/** What a CPU would decode at a site from a moment on, whatever is stored there, until it is told again. */
export interface Fetched {
  readonly moment: number;
  readonly cpu: number;
  readonly bytes: Uint8Array;
  readonly cause: Cause;
}

export interface Site {
  readonly address: U64;
  readonly key: string;
  readonly versions: readonly Version[];
  /** Told in the weak fetch model only: without it every CPU decodes what memory holds. */
  readonly fetched: readonly Fetched[];
}

interface Kept extends Site {
  readonly versions: Version[];
  readonly fetched: Fetched[];
}

const CAUSES: readonly string[] = ["stored", "serialised", "schedule"];
const PARTS: readonly string[] = ["breakpoint", "tail", "first-byte", "other"];

export class Sites {
  readonly #sites = new Map<string, Kept>();
  readonly #initial: (address: U64, length: number) => Uint8Array;
  /** The site that each event speaks of, in order. */
  readonly #mentions: { moment: number; key: string }[] = [];

  /** `initial` reads memory at moment 0. */
  constructor(initial: (address: U64, length: number) => Uint8Array) {
    this.#initial = initial;
  }

  add(event: LensEvent): void {
    if (event.event === "text-write") {
      if (event.part !== "other") this.#written(event);
    } else if (event.event === "fetch-view") this.#fetches(event);
    else if (event.event === "int3" && event.site !== "none") this.#mention(event.n, event.ip);
    else if (event.event === "call-emulated") this.#mention(event.n, event.site);
  }

  get all(): readonly Site[] {
    return [...this.#sites.values()];
  }

  /** The site that was spoken of last before `moment`, or the first one that will be. */
  at(moment: number): Site | null {
    const past = this.#mentions.findLast((mention) => mention.moment < moment);
    const key = (past ?? this.#mentions[0])?.key;
    return (key === undefined ? undefined : this.#sites.get(key)) ?? null;
  }

  /** The site whose five bytes contain `address`. */
  containing(address: U64): Site | null {
    for (const site of this.#sites.values()) {
      const offset = distance(address, site.address);
      if (offset !== null && offset >= 0 && offset < SITE_SIZE) return site;
    }
    return null;
  }

  truncate(moment: number): void {
    while ((this.#mentions.at(-1)?.moment ?? -1) >= moment) this.#mentions.pop();
    for (const site of this.#sites.values()) {
      while ((site.versions.at(-1)?.moment ?? 0) > moment) site.versions.pop();
      while ((site.fetched.at(-1)?.moment ?? 0) > moment) site.fetched.pop();
    }
  }

  #mention(moment: number, address: string): Kept {
    this.#mentions.push({ moment, key: address });
    return this.#find(address);
  }

  #find(address: string): Kept {
    let site = this.#sites.get(address);
    if (site === undefined) {
      const at = u64(address);
      const first = { moment: 0, bytes: this.#initial(at, SITE_SIZE), part: null };
      site = { address: at, key: address, versions: [first], fetched: [] };
      this.#sites.set(address, site);
    }
    return site;
  }

  #fetches(event: FetchViewChanged): void {
    const cause = CAUSES.includes(event.cause) ? (event.cause as Cause) : "schedule";
    this.#find(event.site).fetched.push({
      moment: event.n + 1,
      cpu: event.cpu,
      bytes: hexToBytes(event.seen),
      cause,
    });
  }

  #written(event: TextWritten): void {
    const site = this.#mention(event.n, event.site);
    const bytes = (site.versions.at(-1)?.bytes ?? new Uint8Array(SITE_SIZE)).slice();
    const offset = distance(u64(event.addr), site.address) ?? -1;
    hexToBytes(event.new).forEach((byte, index) => {
      if (offset + index >= 0 && offset + index < SITE_SIZE) bytes[offset + index] = byte;
    });
    const part = PARTS.includes(event.part) ? (event.part as Part) : "other";
    site.versions.push({ moment: event.n + 1, bytes, part });
  }
}
