/**
 * The function a CPU stands in, C and assembly interleaved, with what was executed last and what comes next.
 *
 * Lines come from the ELF; where memory holds other bytes by now the line shows those, because they are what runs.
 */

import { bytesToHex } from "../lib/bytes";
import { compare, distance, hex, type U64, u64 } from "../lib/hex";
import type { Step } from "../wire/steps";
import { compactInsn } from "./assembly";
import type { Activation } from "./calls";
import { decodeSite, SITE_SIZE, siteText } from "./decode";
import type { Line } from "./guest";
import type { Recording } from "./recording";
import { splitName } from "./symbols";

export type CodeRow =
  | {
      readonly is: "source";
      readonly key: string;
      readonly line: number;
      readonly text: string;
      readonly runs: boolean;
      /** The file, where it is not the function's own: a line that was inlined. */
      readonly from: string | null;
    }
  | {
      readonly is: "insn";
      readonly key: string;
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
    };

/** One link of "called from": a function, or a trap with what it interrupted. */
export interface Caller {
  readonly function: string;
  readonly entry: Activation["entry"];
  readonly vector: number;
}

export interface CodeView {
  readonly cpu: number;
  readonly function: string;
  readonly file: string | null;
  readonly rows: readonly CodeRow[];
  readonly callers: readonly Caller[];
  /** Where this CPU's last step was, if elsewhere; the vector, if that step was a delivery. */
  readonly from: { readonly place: string; readonly vector: number } | null;
}

const CALLERS_SHOWN = 5;

export function codeView(recording: Recording, moment: number, cpu: number): CodeView {
  const { guest } = recording;
  const machine = recording.at(moment);
  const rip = machine.register(cpu, "rip");
  const name = guest.symbols.owner(rip) ?? hex(rip);
  const { last } = recording.around(cpu, moment);
  const lines = guest.assembly(name) ?? executed(recording, name);
  const own = fileOf(lines);
  const rows: CodeRow[] = [];
  const source = new SourceLines(recording, own);
  for (const line of lines) {
    rows.push(...source.before(line));
    rows.push(insnRow(recording, line, machine.memory.read(line.at, line.bytes.length / 2), rip, last));
  }
  const chain = recording.calls[cpu]?.at(moment) ?? null;
  return {
    cpu,
    function: name,
    file: own,
    rows,
    callers: callersOf(chain),
    from: fromOf(recording, last, name),
  };
}

function insnRow(recording: Recording, line: Line, held: Uint8Array, rip: U64, last: Step | null): CodeRow {
  const { symbols } = recording.guest;
  const isPatched = bytesToHex(held) !== line.bytes;
  const site = recording.sites.containing(line.at);
  return {
    is: "insn",
    key: hex(line.at),
    address: line.at,
    bytes: bytesToHex(held, " "),
    text:
      isPatched && held.length === SITE_SIZE
        ? siteText(decodeSite(held, line.at, symbols))
        : compactInsn(line.text),
    // Behind an int3 whose trap is still to be delivered, RIP stands inside the five bytes.
    isCurrent: contains(line, rip),
    isDone: last !== null && last.code >= 0 && compare(last.rip, line.at) === 0,
    isPatched,
    isSite: site !== null,
  };
}

function contains(line: Line, address: U64): boolean {
  const offset = distance(address, line.at);
  return offset !== null && offset >= 0 && offset < line.bytes.length / 2;
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

/** Hands out source lines in front of the instructions made from them, each stretch of text once. */
class SourceLines {
  readonly #recording: Recording;
  #file: string | null = null;
  #line = 0;
  #highest = 0;
  #count = 0;
  readonly #own: string | null;

  /** `own` is the file that the function is written in. */
  constructor(recording: Recording, own: string | null) {
    this.#recording = recording;
    this.#own = own;
  }

  before(insn: Line): CodeRow[] {
    if (insn.file === null || insn.line === null || insn.line === 0) return [];
    if (insn.file === this.#file && insn.line === this.#line) return [];
    const source = this.#recording.guest.source(insn.file);
    const isSameFile = insn.file === this.#file;
    // Going on downwards shows the lines in between too (declarations, comments); a jump back repeats one line.
    const first =
      isSameFile && insn.line > this.#highest && insn.line - this.#highest < 12
        ? this.#highest + 1
        : insn.line;
    this.#file = insn.file;
    this.#line = insn.line;
    this.#highest = isSameFile ? Math.max(this.#highest, insn.line) : insn.line;
    if (source === null) return [];
    const rows: CodeRow[] = [];
    for (let line = first; line <= insn.line; line++) {
      const text = source[line - 1] ?? "";
      if (line < insn.line && text.trim() === "") continue;
      rows.push({
        is: "source",
        key: `s${this.#count++}`,
        line,
        text: text.replace(/^\t/, ""),
        runs: line === insn.line,
        from: insn.file === this.#own ? null : insn.file,
      });
    }
    return rows;
  }
}

function fromOf(recording: Recording, last: Step | null, name: string): CodeView["from"] {
  if (last === null || (last.vector < 0 && recording.guest.symbols.owner(last.rip) === name)) return null;
  return { place: recording.guest.symbols.name(last.rip) ?? hex(last.rip), vector: last.vector };
}

/** The file that most of a function comes from: the others are those of what was inlined into it. */
function fileOf(lines: readonly Line[]): string | null {
  const counts = new Map<string, number>();
  for (const { file } of lines) if (file !== null) counts.set(file, (counts.get(file) ?? 0) + 1);
  let best: string | null = null;
  for (const [file, count] of counts) if (count >= (best === null ? 0 : (counts.get(best) ?? 0))) best = file;
  return best;
}

function callersOf(chain: Activation | null): Caller[] {
  const callers: Caller[] = [];
  for (let at = chain; at !== null && callers.length < CALLERS_SHOWN; at = at.parent) {
    callers.push({ function: at.function, entry: at.entry, vector: at.vector });
  }
  return callers;
}
