import { describe, expect, it } from "vitest";
import { injected, prefix, tail } from "../../../src/state/session/branch";

describe("branching a run", () => {
  it.each([
    ["0*748", 0, ""],
    ["0*748", 100, "0*100"],
    ["0*10 1*5 0*7", 12, "0*10 1*2"],
    ["0*10 1*5 0*7", 22, "0*10 1*5 0*7"],
    ["0*10 nmi@0 0*5", 10, "0*10 nmi@0"],
    ["0*10 nmi@0 0*5", 9, "0*9"],
    ["0*10 fetch@1+2 1*5 irq@1 0*3", 12, "0*10 fetch@1+2 1*2"],
    ["(0*3 1*2)*4 0*7", 10, "(0*3 1*2)*2"],
    ["(0*3 1*2)*4 0*7", 9, "0*3 1*2 0*3 1*1"],
    ["(0*3 1*2)*4 0*7", 13, "(0*3 1*2)*2 0*3"],
    ["(0*3 1*2)*4 0*7", 22, "(0*3 1*2)*4 0*2"],
    ["(nmi@0 0*3)*3 0*7", 6, "(nmi@0 0*3)*2 nmi@0"],
    ["(nmi@0 irq@0)*3 0*7", 0, "nmi@0 irq@0"],
  ])("keeps of %j what came before moment %i", (schedule, moment, kept) => {
    expect(prefix(schedule, moment)).toBe(kept);
  });

  it.each([
    ["0>.", "0>."],
    ["rr*7", "rr*7"],
    ["0>push-begun nmi@0 0>.", "0>."],
    ["0>int3", "0>."],
  ])("goes on after a branch as %j ends", (schedule, end) => {
    expect(tail(schedule)).toBe(end);
  });

  it("raises the interrupt at the moment and plays on", () => {
    expect(injected("0*748", 287, "nmi", 0, "0>.")).toBe("0*287 nmi@0 0>.");
    expect(injected("0*748", 0, "irq", 1, "rr*7")).toBe("irq@1 rr*7");
  });
});
