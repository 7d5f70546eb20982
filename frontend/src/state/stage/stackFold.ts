/** Which words of a stack are shown one by one, and which are folded into one row because they are not the subject. */

import { compare, type U64 } from "../../lib/hex";
import type { StackWord } from "./stackWord";
import { splitName } from "../guest/symbols";

/** So many words of the interrupted code are shown above a frame: its return address, and one more. */
const INTERRUPTED_SHOWN = 2;
/** What a caller keeps is one row from this many words on; what the current function keeps is shown word by word. */
const KEPT_FOLDED = 2;
const OWN_FOLDED = 6;
/** A single word more is not worth folding. */
const FOLD_ABOVE = 1;

/** Words that belong together and are folded unless someone asks for them. */
export interface StackFold {
  readonly key: string;
  readonly what: "registers" | "gap" | "callers" | "handler" | "kept";
  /** The functions they belong to, outermost first. */
  readonly by: readonly string[];
  readonly words: readonly StackWord[];
}

export type StackRow = { readonly word: StackWord } | { readonly fold: StackFold };

/** Folds what is not the subject. `base` is where the current call's own words begin while no trap is open; `words` come highest first, and so do the rows. */
export function fold(words: readonly StackWord[], base: U64): StackRow[] {
  const rows: StackRow[] = [];
  let isBehindFrame = false;
  for (let start = 0; start < words.length;) {
    const kind = groupOf(words[start] as StackWord);
    let end = start + 1;
    while (end < words.length && groupOf(words[end] as StackWord) === kind) end++;
    const run = words.slice(start, end);
    switch (kind) {
      case "frame":
        rows.push(...run.map((word) => ({ word })));
        isBehindFrame = true;
        break;
      case "registers":
      case "gap":
        rows.push(...foldFrom(run, 0, kind));
        break;
      case "plain":
        if (end < words.length) rows.push(...foldFrom(run, INTERRUPTED_SHOWN, "callers"));
        else if (isBehindFrame) rows.push(...foldFrom(run, 0, "handler"));
        else {
          const outer = run.filter((word) => compare(word.address, base) >= 0);
          rows.push(...foldFrom(outer, INTERRUPTED_SHOWN, "callers"), ...current(run.slice(outer.length)));
        }
        break;
    }
    start = end;
  }
  return rows;
}

/** Where no trap is open: what each function keeps is one row, its return address another. */
function current(run: readonly StackWord[]): StackRow[] {
  const rows: StackRow[] = [];
  for (let start = 0; start < run.length;) {
    const by = keeper(run[start] as StackWord);
    let end = start + 1;
    while (by !== null && end < run.length && keeper(run[end] as StackWord) === by) end++;
    const words = run.slice(start, end);
    const [first] = words;
    const least = end === run.length ? OWN_FOLDED : KEPT_FOLDED;
    if (first !== undefined && by !== null && words.length >= least) {
      rows.push({ fold: { key: `kept ${first.key}`, what: "kept", by: functionsOf(words), words } });
    } else rows.push(...words.map((word) => ({ word })));
    start = end;
  }
  return rows;
}

/** The function that keeps something in a word; null for a return address. */
function keeper({ kind }: StackWord): string | null {
  return kind.is === "saved" || kind.is === "room" || kind.is === "local" ? kind.by : null;
}

/** One row for all but the lowest `shown` words of a run, where that is worth it. */
function foldFrom(run: readonly StackWord[], shown: number, what: StackFold["what"]): StackRow[] {
  const folded = run.length - shown > FOLD_ABOVE ? run.slice(0, run.length - shown) : [];
  const rest = run.slice(folded.length).map((word) => ({ word }));
  const [first] = folded;
  if (first === undefined) return rest;
  return [{ fold: { key: `${what} ${first.key}`, what, by: functionsOf(folded), words: folded } }, ...rest];
}

function groupOf(word: StackWord): "frame" | "gap" | "registers" | "plain" {
  switch (word.kind.is) {
    case "frame":
    case "error-code":
    case "alignment":
      return "frame";
    case "gap":
      return "gap";
    case "register":
      return "registers";
    case "saved":
    case "room":
    case "local":
    case "older":
    case "return":
    case "emulated":
      return "plain";
  }
}

/** The functions that words belong to, outermost first, each once in a row. */
function functionsOf(words: readonly StackWord[]): string[] {
  const names = words.flatMap(({ kind }) => {
    if (kind.is === "return" || kind.is === "older")
      return kind.into === null ? [] : [splitName(kind.into).name];
    return kind.is === "saved" || kind.is === "room" || kind.is === "local" ? [kind.by] : [];
  });
  return names.filter((name, index) => name !== "" && name !== names[index - 1]);
}
