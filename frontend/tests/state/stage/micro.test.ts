import { describe, expect, it } from "vitest";
import { tell } from "../../../src/copy/en";
import { Cursor } from "../../../src/state/timeline/cursor.svelte";
import { partsOf } from "../../../src/state/stage/micro";
import { storyAt, type Aspect } from "../../../src/state/story/story";
import { firstCall, MOMENT } from "../../firstCall";

const run = firstCall();
const telling = (micro: number): Aspect => ({ micro, verdict: null });
const DELIVERY = MOMENT.delivered - 1;
const IRET = MOMENT.returned - 1;

describe("micro-steps", () => {
  it("of a delivery are its pushes in order, of an iretq its pops", () => {
    expect(partsOf(run, DELIVERY).map(({ word }) => word)).toEqual(["ss", "sp", "flags", "cs", "ip"]);
    expect(partsOf(run, IRET).map(({ word }) => word)).toEqual(["ip", "cs", "flags", "sp", "ss"]);
    expect(partsOf(run, 0)).toEqual([]);
  });

  it("lead through a delivery word by word, and back the same way", () => {
    const cursor = new Cursor(() => run);
    cursor.goTo(DELIVERY);
    const there = [];
    for (let press = 0; press < 6; press++) {
      cursor.stride(1, "micro-step");
      there.push([cursor.moment, cursor.micro]);
    }
    expect(there).toEqual([
      [DELIVERY, 1],
      [DELIVERY, 2],
      [DELIVERY, 3],
      [DELIVERY, 4],
      [DELIVERY + 1, 0],
      [DELIVERY + 2, 0],
    ]);
    const back = [];
    for (let press = 0; press < 7; press++) {
      cursor.stride(-1, "micro-step");
      back.push([cursor.moment, cursor.micro]);
    }
    expect(back).toEqual([...there.toReversed().slice(1), [DELIVERY, 0], [DELIVERY - 1, 0]]);
  });

  it("are forgotten by any other move", () => {
    const cursor = new Cursor(() => run);
    cursor.goTo(DELIVERY);
    cursor.stride(1, "micro-step");
    cursor.stride(-1, "instruction");
    expect([cursor.moment, cursor.micro]).toEqual([DELIVERY, 0]);
    cursor.stride(1, "micro-step");
    cursor.stride(1, "instruction");
    expect([cursor.moment, cursor.micro]).toEqual([DELIVERY + 1, 0]);
  });

  it("have a sentence each", () => {
    expect(tell(storyAt(run, DELIVERY, telling(2)).story)).toContain("Word 2 of 5: the CPU pushes `RSP`");
    expect(tell(storyAt(run, IRET, telling(1)).story)).toContain(
      "`iretq` pops `ftrace_int3_stub_regs_caller` into `RIP`",
    );
  });
});
