import { describe, expect, it } from "vitest";
import { folded, folds } from "../../../src/state/guest/folded";
import type { InsnRow, SourceRow } from "../../../src/state/guest/listing";

const source = (text: string): SourceRow => ({ is: "source", line: 1, text, runs: true, from: null });

describe("a line of C that is too long", () => {
  const LINE = "\treport.verdict = scenario->ok() ? VERDICT_ok : VERDICT_bad;";

  it("goes on below, further in, and loses nothing but blanks", () => {
    expect(folds(LINE, 40)).toEqual([
      "    report.verdict = scenario->ok() ?",
      "        VERDICT_ok : VERDICT_bad;",
    ]);
  });

  it("fits at every width, whatever it is made of", () => {
    for (const line of [
      LINE,
      `\t\t${"x".repeat(90)};`,
      "WRITE_ONCE(stack->slots[slot],return_address->that->is->long)",
    ]) {
      for (let columns = 16; columns < 100; columns++) {
        const pieces = folds(line, columns);
        expect(pieces.every((piece) => piece.length <= columns)).toBe(true);
        expect(pieces.join("").replaceAll(" ", "")).toBe(line.replaceAll(/\s/g, ""));
      }
    }
  });

  it("breaks inside a word only where nothing else is left", () => {
    expect(folds("WRITE_ONCE(stack->slots[slot],x)", 20)).toEqual([
      "WRITE_ONCE(stack->",
      "    slots[slot],x)",
    ]);
  });

  it("is left alone where it fits, and where there is no room at all", () => {
    expect(folds("\treturn 0;", 40)).toEqual(["    return 0;"]);
    expect(folds(LINE, 3)).toHaveLength(1);
  });
});

it("says where each row of the listing begins", () => {
  const insn = { is: "insn" } as InsnRow;
  const { rows, starts } = folded([source("a ".repeat(20)), insn, source("b"), insn], 16);

  expect(starts.map((at) => rows[at]?.is)).toEqual(["source", "insn", "source", "insn"]);
  expect(starts[0]).toBe(0);
  expect(rows.slice(1, starts[1]).every((row) => row.is === "rest")).toBe(true);
});
