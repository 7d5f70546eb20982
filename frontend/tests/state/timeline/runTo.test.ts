import { describe, expect, it } from "vitest";
import { destinationText } from "../../../src/copy/en";
import { u64 } from "../../../src/lib/hex";
import { comesTo, destination } from "../../../src/state/timeline/runTo";
import { firstCall, MOMENT, SITE, STUB } from "../../firstCall";

const run = firstCall();

describe("running to an instruction", () => {
  it("goes to the moment at which the CPU has come there and executes it next", () => {
    for (let moment = 0; moment < run.length; moment++) {
      const step = run.step(moment);
      if (step.code < 0) continue;
      // One CPU: it comes to what step n executes at moment n.
      if (moment > 0) expect(comesTo(run, 0, step.rip, moment - 1)).toBe(moment);
      expect(comesTo(run, 0, step.rip, run.length, -1)).toBeGreaterThanOrEqual(moment);
    }
  });

  it("finds nothing where the CPU does not come again, or had not been", () => {
    expect(comesTo(run, 0, u64(SITE), 0)).toBeNull();
    expect(comesTo(run, 0, u64(SITE), MOMENT.trapped, -1)).toBe(0);
    expect(comesTo(run, 0, u64(SITE), 0, -1)).toBeNull();
    expect(comesTo(run, 0, u64(STUB), MOMENT.returned)).toBeNull();
  });

  it("does not take a delivery for the instruction that it interrupts", () => {
    const trapped = run.step(MOMENT.delivered - 1);
    expect(trapped.code).toBe(-1);
    expect(comesTo(run, 0, trapped.rip, 0)).toBeNull();
  });
});

describe("what is typed to go to", () => {
  it("is a moment, or a symbol that the CPU comes to", () => {
    expect(destination(run, 0, 0, "7")).toEqual({ is: "moment", moment: 7 });
    expect(destination(run, 0, 0, "ftrace_int3_stub_regs_caller")).toEqual({
      is: "moment",
      moment: MOMENT.returned,
    });
    expect(destination(run, 0, 0, "int3+0x1")).toEqual({ is: "moment", moment: MOMENT.delivered + 1 });
  });

  it("has words where it leads nowhere", () => {
    const wrong = ["99999", "no_such_fn", "traced_fn"].map((text) => destination(run, 0, 3, text));
    expect(wrong.map(({ is }) => is)).toEqual(["beyond", "no-symbol", "never"]);
    for (const there of wrong) expect(destinationText(there, run.length)).toMatch(/^[A-Z].*\.$/);
  });
});
