/**
 * A listing folded to a width: a line of C that is too long goes on below, indented further than it began.
 *
 * Every row stays one line high, so a list of them can be windowed without measuring any.
 */

import type { InsnRow, SourceRow } from "./listing";

/** The rest of a line of C. */
export interface RestRow {
  readonly is: "rest";
  readonly text: string;
  readonly runs: boolean;
}

export interface Folded {
  readonly rows: readonly (SourceRow | RestRow | InsnRow)[];
  /** Where each row of the listing begins. */
  readonly starts: readonly number[];
}

const TAB = 4;
const HANGING = 4;
/** Narrower than this nothing can be read: then lines are left as they are. */
const FEWEST = 16;

/** `columns` is how many characters there is room for. */
export function folded(rows: readonly (SourceRow | InsnRow)[], columns: number): Folded {
  const out: (SourceRow | RestRow | InsnRow)[] = [];
  const starts: number[] = [];
  for (const row of rows) {
    starts.push(out.length);
    if (row.is === "insn") {
      out.push(row);
      continue;
    }
    const [first = "", ...rest] = folds(row.text, columns);
    out.push({ ...row, text: first });
    for (const text of rest) out.push({ is: "rest", text, runs: row.runs });
  }
  return { rows: out, starts };
}

/** The lines that a line becomes; between words, or behind what can stand at a line's end. */
export function folds(line: string, columns: number): string[] {
  const text = untabbed(line);
  if (columns < FEWEST || text.length <= columns) return [text];
  const indent = text.length - text.trimStart().length;
  const hanging = " ".repeat(Math.min(indent + HANGING, Math.floor(columns / 2)));
  const lines: string[] = [];
  let rest = text;
  while (rest.length > columns) {
    const begins = lines.length === 0 ? indent : hanging.length;
    const at = breakIn(rest, begins, columns);
    lines.push(rest.slice(0, at).trimEnd());
    rest = hanging + rest.slice(at).trimStart();
  }
  return [...lines, rest];
}

/** Where to break, at most at `columns`: at the last blank, or else behind the last bracket or arrow, or else there. */
function breakIn(text: string, begins: number, columns: number): number {
  const blank = text.lastIndexOf(" ", columns);
  if (blank > begins) return blank;
  for (let at = columns; at > begins + 1; at--) {
    if (/[([,]/.test(text[at - 1] ?? "") || text.slice(at - 2, at) === "->") return at;
  }
  return columns;
}

function untabbed(line: string): string {
  let text = "";
  for (const char of line) text += char === "\t" ? " ".repeat(TAB - (text.length % TAB)) : char;
  return text;
}
