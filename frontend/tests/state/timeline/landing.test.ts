import { describe, expect, it } from "vitest";
import { landed, landingAt } from "../../../src/state/timeline/landing";
import type { LensEvent } from "../../../src/wire/wire.gen";

/** `int3@3` is an int3 raised by step 3; what stands behind a slash tells it from others of its name. */
function run(text: string): LensEvent[] {
  return text.split(" ").map((word) => {
    const [what = "", n] = word.split("@");
    const [event, detail = ""] = what.split("/");
    const told = { phase: detail, part: detail, field: detail, vector: Number(detail), symbol: "traced_fn" };
    return { event, n: Number(n), cpu: 0, ...told } as unknown as LensEvent;
  });
}

const THREAD = run("int3@3 frame-pushed/3@4 slot-pushed@9 frame-rewritten/ip@12 iret/3@20 int3@40");
const GAP = run("int3@3 frame-pushed/3@4 gap-opened@7 frame-rewritten/sp@10 frame-rewritten/ip@14 iret/3@25");
const before = (events: readonly LensEvent[], moment: number): LensEvent[] =>
  events.filter((event) => event.n < moment);
const land = (from: readonly LensEvent[], moment: number, to: readonly LensEvent[], isOver = true) =>
  landed(landingAt(before(from, moment), false), { events: to, length: 60, isOver });

describe("going on in another run", () => {
  it("stands after the same event, wherever that lies there", () => {
    expect(land(THREAD, 21, GAP)).toBe(26);
    expect(land(GAP, 26, THREAD)).toBe(21);
  });

  it("takes the word of the frame for part of what the event is", () => {
    expect(land(THREAD, 13, GAP)).toBe(15);
  });

  it("stands after the last event that both have, where the other run lacks this one", () => {
    expect(land(THREAD, 10, GAP)).toBe(5);
    expect(land(GAP, 11, THREAD)).toBe(5);
  });

  it("counts: the second of a kind is not the first one there", () => {
    expect(land(THREAD, 41, GAP)).toBe(26);
    expect(land(run("int3@3 int3@8"), 9, THREAD)).toBe(41);
  });

  it("stays at the start where nothing has happened yet, or nothing is common", () => {
    expect(land(THREAD, 0, GAP)).toBe(0);
    expect(land(run("fork@1"), 2, GAP)).toBe(0);
  });

  it("goes from the end to the end", () => {
    expect(landed(landingAt(THREAD, true), { events: GAP, length: 77, isOver: true })).toBe(77);
    expect(landed(landingAt(THREAD, true), { events: GAP, length: 30, isOver: false })).toBeNull();
  });

  it("waits for the event as long as it may still come, and no longer", () => {
    expect(land(THREAD, 21, before(GAP, 20), false)).toBeNull();
    expect(land(THREAD, 21, before(GAP, 26), false)).toBe(26);
    expect(land(THREAD, 21, before(GAP, 20), true)).toBe(15);
  });
});
