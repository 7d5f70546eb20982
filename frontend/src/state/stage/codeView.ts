/**
 * The function a CPU stands in, C and assembly interleaved, with what was executed last and what comes next.
 *
 * Lines come from the ELF; where memory holds other bytes by now the line shows those, because they are what runs.
 */

import { bytesToHex } from "../../lib/bytes";
import { compare, hex, type U64, u64 } from "../../lib/hex";
import type { Step } from "../../wire/steps";
import type { Activation } from "../run/calls";
import { decodeSite, SITE_SIZE, siteText } from "../run/decode";
import type { Folded, RestRow } from "../guest/folded";
import { type Line, Listing, type SourceRow } from "../guest/listing";
import type { Recording } from "../run/recording";
import { splitName } from "../guest/symbols";

/** An instruction as it stands at a moment. */
export interface CodeInsn {
  readonly is: "insn";
  readonly address: U64;
  readonly bytes: string;
  readonly text: string;
  /** RIP stands here. */
  readonly isCurrent: boolean;
  /** This CPU's last step executed it. */
  readonly isDone: boolean;
  /** Memory differs from the ELF: somebody rewrote it. */
  readonly isPatched: boolean;
  /** Part of a patch site of this run. */
  readonly isSite: boolean;
}

export type CodeRow = SourceRow | RestRow | CodeInsn;

/** One link of "called from": a function, or a trap with what it interrupted. */
export interface Caller {
  readonly function: string;
  readonly entry: Activation["entry"];
  readonly vector: number;
}

export interface CodeView {
  readonly moment: number;
  readonly cpu: number;
  readonly function: string;
  readonly listing: Listing;
  /** The row that RIP stands on; -1 where none is known. */
  readonly current: number;
  readonly callers: readonly Caller[];
  /** Where this CPU's last step was, if elsewhere; the vector, if that step was a delivery. */
  readonly from: { readonly place: string; readonly vector: number } | null;
}

const CALLERS_SHOWN = 5;

export function codeView(recording: Recording, moment: number, cpu: number): CodeView {
  const { guest } = recording;
  const rip = recording.at(moment).register(cpu, "rip");
  const name = guest.symbols.owner(rip) ?? hex(rip);
  const { last } = recording.around(cpu, moment);
  const listing = guest.listing(name) ?? new Listing(executed(recording, name), guest.source);
  return {
    moment,
    cpu,
    function: name,
    listing,
    // Behind an int3 whose trap is still to be delivered, RIP stands inside the five bytes.
    current: listing.rowOf(rip),
    callers: callersOf(recording.calls[cpu]?.at(moment) ?? null),
    from: fromOf(recording, last, name),
  };
}

/** The rows `[from, to)` of a view's folded listing, as far as there are any. */
export function codeRows(
  recording: Recording,
  view: CodeView,
  { rows, starts }: Folded,
  from: number,
  to: number,
): CodeRow[] {
  const current = starts[view.current] ?? -1;
  const { memory } = recording.at(view.moment);
  const { last } = recording.around(view.cpu, view.moment);
  return rows.slice(from, to).map((row, index) => {
    if (row.is !== "insn") return row;
    const { insn, text } = row;
    const held = memory.read(insn.at, insn.bytes.length / 2);
    const isPatched = bytesToHex(held) !== insn.bytes;
    return {
      is: "insn",
      address: insn.at,
      bytes: bytesToHex(held, " "),
      text:
        isPatched && held.length === SITE_SIZE
          ? siteText(decodeSite(held, insn.at, recording.guest.symbols))
          : text,
      isCurrent: from + index === current,
      isDone: last !== null && last.code >= 0 && compare(last.rip, insn.at) === 0,
      isPatched,
      isSite: recording.sites.containing(insn.at) !== null,
    };
  });
}

/** What is known of a function before its machine code has been fetched: the instructions that ran. */
function executed(recording: Recording, name: string): Line[] {
  const seen = new Map<string, Line>();
  for (const { insn } of recording.codes) {
    if (insn.symbol === null || splitName(insn.symbol).name !== name) continue;
    seen.set(insn.rip, {
      at: u64(insn.rip),
      address: insn.rip,
      bytes: insn.bytes,
      text: insn.text,
      symbol: insn.symbol,
      file: insn.file,
      line: insn.line,
    });
  }
  return [...seen.values()].toSorted((a, b) => compare(a.at, b.at));
}

function fromOf(recording: Recording, last: Step | null, name: string): CodeView["from"] {
  if (last === null || (last.vector < 0 && recording.guest.symbols.owner(last.rip) === name)) return null;
  return { place: recording.guest.symbols.name(last.rip) ?? hex(last.rip), vector: last.vector };
}

function callersOf(chain: Activation | null): Caller[] {
  const callers: Caller[] = [];
  for (let at = chain; at !== null && callers.length < CALLERS_SHOWN; at = at.parent) {
    callers.push({ function: at.function, entry: at.entry, vector: at.vector });
  }
  return callers;
}
