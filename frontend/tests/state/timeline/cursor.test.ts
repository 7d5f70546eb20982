import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Cursor } from "../../../src/state/timeline/cursor.svelte";
import { firstCall } from "../../firstCall";

const run = firstCall();

describe("the cursor", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("stays within the run", () => {
    const cursor = new Cursor(() => run);
    cursor.goTo(-5);
    expect(cursor.moment).toBe(0);
    cursor.goTo(1e6);
    expect(cursor.moment).toBe(run.length);
    expect(cursor.stride(1)).toBe(false);
  });

  it("says how it moved", () => {
    const cursor = new Cursor(() => run);
    cursor.stride(1);
    expect([cursor.moment, cursor.move]).toEqual([1, "forward"]);
    cursor.stride(-1);
    expect([cursor.moment, cursor.move]).toEqual([0, "back"]);
    cursor.end();
    expect(cursor.move).toBe("jump");
  });

  it("plays to the end and then stands still", () => {
    const cursor = new Cursor(() => run);
    cursor.play();
    vi.runAllTimers();
    expect([cursor.moment, cursor.isPlaying]).toEqual([run.length, false]);
  });

  it("waits at the end of what is recorded while more is to come", () => {
    let isGrowing = true;
    const cursor = new Cursor(
      () => run,
      () => isGrowing,
    );
    cursor.goTo(run.length - 1);
    cursor.play();
    vi.advanceTimersByTime(60_000);
    expect([cursor.moment, cursor.isPlaying]).toEqual([run.length, true]);
    isGrowing = false;
    vi.advanceTimersByTime(60_000);
    expect(cursor.isPlaying).toBe(false);
  });

  it("lingers at a beat longer than between beats", () => {
    const cursor = new Cursor(() => run);
    cursor.goTo(2);
    cursor.play();
    const atBeat = cursor.dwell;
    vi.advanceTimersByTime(atBeat);
    expect(cursor.moment).toBe(3);
    expect(cursor.dwell).toBeLessThan(atBeat / 5);
  });

  it("stops at the next beat where that was asked for", () => {
    const cursor = new Cursor(() => run);
    cursor.atBeats = "stop";
    cursor.goTo(2);
    cursor.play();
    vi.runAllTimers();
    expect([cursor.moment, cursor.isPlaying]).toEqual([5, false]);
  });

  it("is paused by any move of one's own", () => {
    const cursor = new Cursor(() => run);
    cursor.play();
    cursor.stride(1);
    const { moment } = cursor;
    vi.runAllTimers();
    expect([cursor.moment, cursor.isPlaying]).toEqual([moment, false]);
  });

  it("plays from the start again when it stands at the end", () => {
    const cursor = new Cursor(() => run);
    cursor.end();
    cursor.play();
    expect(cursor.moment).toBe(0);
    cursor.pause();
  });
});
