import { describe, expect, it } from "vitest";
import { readingTime, stays } from "../../../src/state/timeline/pace";
import { firstCall } from "../../firstCall";

const run = firstCall();

describe("playing", () => {
  it("stays at beats, in order, as long as each takes to read", () => {
    const found = stays(run, () => 30);
    expect(found.map(({ moment }) => moment)).toEqual([1, 2, 5, 6, 7, 9]);
    expect(found.every(({ reading }) => reading === 2_000)).toBe(true);
  });

  it("lets no sentence stand for less than a second and a half", () => {
    expect(readingTime(1)).toBe(1_500);
    expect(readingTime(45)).toBe(3_000);
  });

  it("has patience for so much, and spends it on what a run is about", () => {
    const found = stays(run, () => 300);
    expect(found.map(({ moment }) => moment)).toEqual([5, 6]);
  });

  it("tells what was told before only when all else has been told", () => {
    const again = firstCall([
      {
        n: 3,
        cpu: 0,
        event: "int3",
        ip: "0x1",
        symbol: "x",
        site: "function",
        task: "worker",
        context: "process",
      },
    ]);
    const found = stays(again, () => 99);
    expect(found.map(({ moment }) => moment)).toEqual([1, 2, 5, 6, 7, 9]);
  });
});
