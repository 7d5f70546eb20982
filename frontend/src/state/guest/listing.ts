/**
 * A function as a reader finds it, at no moment in particular: lines of C, each in front of the instructions made of it.
 *
 * It is made once; what a moment adds to it is for the few rows that are in sight.
 */

import { compare, distance, type U64 } from "../../lib/hex";
import type { AssemblyLine } from "../../wire/wire.gen";
import { compactInsn } from "./assembly";

/** One instruction of the ELF, before anything was patched. */
export interface Line extends AssemblyLine {
  readonly at: U64;
}

export interface SourceRow {
  readonly is: "source";
  readonly line: number;
  readonly text: string;
  readonly runs: boolean;
  /** The file, where it is not the function's own: a line that was inlined. */
  readonly from: string | null;
}

export interface InsnRow {
  readonly is: "insn";
  readonly insn: Line;
  readonly text: string;
}

/** The lines of a source file, or null while they are not here. */
export type Sources = (file: string) => readonly string[] | null;

/** So many lines between two instructions are shown too: declarations, comments. */
const SHOWN_BETWEEN = 11;

export class Listing {
  /** The file that most of it comes from. */
  readonly file: string | null;
  readonly rows: readonly (SourceRow | InsnRow)[];

  constructor(lines: readonly Line[], sources: Sources) {
    this.file = fileOf(lines);
    const source = new SourceLines(sources, this.file);
    this.rows = lines.flatMap((insn) => [
      ...source.before(insn),
      { is: "insn", insn, text: compactInsn(insn.text) } as const,
    ]);
  }

  /** The row of the instruction that `address` lies in; -1 where none does. */
  rowOf(address: U64): number {
    return this.rows.findIndex((row) => row.is === "insn" && contains(row.insn, address));
  }
}

function contains(line: Line, address: U64): boolean {
  if (compare(address, line.at) < 0) return false;
  const offset = distance(address, line.at);
  return offset !== null && offset < line.bytes.length / 2;
}

/** Hands out source lines in front of the instructions made from them, each stretch of text once. */
class SourceLines {
  readonly #sources: Sources;
  readonly #own: string | null;
  #file: string | null = null;
  #line = 0;
  #highest = 0;

  /** `own` is the file that the function is written in. */
  constructor(sources: Sources, own: string | null) {
    this.#sources = sources;
    this.#own = own;
  }

  before(insn: Line): SourceRow[] {
    if (insn.file === null || insn.line === null || insn.line === 0) return [];
    if (insn.file === this.#file && insn.line === this.#line) return [];
    const source = this.#sources(insn.file);
    const isSameFile = insn.file === this.#file;
    const between = insn.line - this.#highest;
    // Going on downwards shows the lines in between too; a jump back repeats one line.
    const first = isSameFile && between > 0 && between <= SHOWN_BETWEEN ? this.#highest + 1 : insn.line;
    this.#file = insn.file;
    this.#line = insn.line;
    this.#highest = isSameFile ? Math.max(this.#highest, insn.line) : insn.line;
    if (source === null) return [];
    const rows: SourceRow[] = [];
    for (let line = first; line <= insn.line; line++) {
      const text = source[line - 1] ?? "";
      if (line < insn.line && text.trim() === "") continue;
      rows.push({
        is: "source",
        line,
        text: text.replace(/^\t/, ""),
        runs: line === insn.line,
        from: insn.file === this.#own ? null : insn.file,
      });
    }
    return rows;
  }
}

/** The file that most of a function comes from: the others are those of what was inlined into it. */
function fileOf(lines: readonly Line[]): string | null {
  const counts = new Map<string, number>();
  for (const { file } of lines) if (file !== null) counts.set(file, (counts.get(file) ?? 0) + 1);
  let best: string | null = null;
  for (const [file, count] of counts) if (count >= (best === null ? 0 : (counts.get(best) ?? 0))) best = file;
  return best;
}
