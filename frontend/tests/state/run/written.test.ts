import { describe, expect, it } from "vitest";
import { writtenText } from "../../../src/copy/en";
import { add, u64 } from "../../../src/lib/hex";
import { lastWritten } from "../../../src/state/run/written";
import { firstCall, FRAME, MOMENT, TASK } from "../../firstCall";

const run = firstCall();
const DEPTH = add(u64(TASK), 16);
const FIRST_SLOT = add(u64(TASK), 24);

describe("who wrote a value last", () => {
  it("is the step whose store the value is left from, with the moment that shows it first", () => {
    expect(lastWritten(run, FIRST_SLOT, 8, run.length)).toEqual({
      moment: MOMENT.pushed,
      cpu: 0,
      context: "process",
      vector: -1,
      place: "int3+0x11",
      insn: "mov [rip], rax",
    });
  });

  it("is not one that comes later", () => {
    expect(lastWritten(run, DEPTH, 4, MOMENT.raised)?.moment).toBe(MOMENT.raised);
    expect(lastWritten(run, DEPTH, 4, MOMENT.raised - 1)).toBeNull();
  });

  it("is not one that stored to a neighbour in the same word", () => {
    expect(lastWritten(run, add(DEPTH, 4), 4, run.length)).toBeNull();
  });

  it("is the CPU, where a delivery pushed the word", () => {
    const written = lastWritten(run, u64(FRAME), 8, MOMENT.delivered);
    expect(written).toMatchObject({ moment: MOMENT.delivered, vector: 3, insn: "" });
    expect(writtenText(written)).toBe(
      "Last written at moment 2 by CPU 0, delivering #BP at `traced_fn+0x1`.",
    );
  });

  it("is nobody, where nothing was stored since moment 0", () => {
    expect(writtenText(lastWritten(run, add(FIRST_SLOT, 8), 8, run.length))).toContain("not written since");
  });
});
