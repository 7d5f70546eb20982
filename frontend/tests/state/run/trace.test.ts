import { describe, expect, it } from "vitest";
import { bytesToHex } from "../../../src/lib/bytes";
import { hex, u64 } from "../../../src/lib/hex";
import { Trace } from "../../../src/state/run/trace";
import { BatchDecoder } from "../../../src/wire/batch";
import { REGISTERS } from "../../../src/wire/registers";
import { Steps } from "../../../src/wire/steps";
import { type MadeStep, stepsFrame } from "../../frames";

const WORD = u64("0xffffffff81000000");
const ALIAS = u64("0xffff888001000000");
const CODES = [{ rip: u64("0x0"), length: 0 }];

const bytes = (value: number): Uint8Array => Uint8Array.of(value & 0xff, value >> 8);

/** Step n writes n + 1 over n, by the high half and by the alias in turn, and counts in RAX. */
const count = (moment: number): MadeStep => ({
  becomes: { rax: BigInt(moment + 1) },
  writes: [{ at: moment % 2 ? ALIAS : WORD, old: bytes(moment), new: bytes(moment + 1) }],
});

/** A run that counts, and can be told to go on. */
class Counting {
  readonly steps = new Steps();
  readonly trace = new Trace(this.steps, [REGISTERS.map(() => u64("0x0"))], []);

  constructor(length: number) {
    this.add(Array.from({ length }, (_, moment) => count(moment)));
  }

  add(steps: readonly MadeStep[]): void {
    const { trace } = this;
    const file = trace.at(trace.length).file(0);
    const frame = stepsFrame(trace.length, steps, [[...file]], CODES);
    new BatchDecoder([file], this.steps).decode(frame, CODES);
    trace.extend();
  }
}

const counting = (length: number): Trace => new Counting(length).trace;

const digest = (trace: Trace, moment: number): string => {
  const machine = trace.at(moment);
  return `${hex(machine.register(0, "rax"))} ${bytesToHex(machine.memory.read(WORD, 8))}`;
};

describe("a trace", () => {
  it("is at every moment what its steps made of the first one", () => {
    const trace = counting(3000);
    for (const moment of [0, 1, 1023, 1024, 1025, 2048, 2999, 3000]) {
      expect(hex(trace.at(moment).register(0, "rax"))).toBe(`0x${moment.toString(16)}`);
      expect(bytesToHex(trace.at(moment).memory.read(ALIAS, 2))).toBe(
        bytesToHex(Uint8Array.of(moment & 0xff, moment >> 8)),
      );
    }
  });

  it("is the same state at a moment, whichever way it was reached", () => {
    const trace = counting(3000);
    const fresh = new Map([0, 700, 1024, 1500, 2999].map((moment) => [moment, digest(trace, moment)]));
    for (const [first, second] of [
      [2999, 700],
      [0, 1500],
      [1500, 1024],
      [1024, 0],
      [3000, 2999],
    ] as const) {
      trace.at(first);
      expect(digest(trace, second)).toBe(fresh.get(second));
    }
  });

  it("keeps its keyframes when later steps write to the same page", () => {
    const trace = counting(2100);
    const before = digest(trace, 1024);
    trace.at(2100);
    trace.at(0);
    expect(digest(trace, 1024)).toBe(before);
    expect(bytesToHex(trace.initial(WORD, 2))).toBe("0000");
  });

  it("refuses a step that overwrites other bytes than are there, and keeps those before it", () => {
    const run = new Counting(4);
    const wrong = { ...count(5), writes: [{ at: WORD, old: bytes(3), new: bytes(5) }] };
    expect(() => {
      run.add([count(4), wrong]);
    }).toThrow(/overwrites 0300 .* where 0500 is/);
    expect(run.trace.length).toBe(5);
    expect(() => run.trace.step(5)).toThrow(/step 5 of 5/);
    expect(digest(run.trace, 5)).toBe("0x5 0500000000000000");
  });

  it("refuses a store outside RAM", () => {
    const run = new Counting(0);
    const write = { at: 0xfee00000n, old: new Uint8Array(4), new: new Uint8Array(4) };
    expect(() => {
      run.add([{ writes: [write] }]);
    }).toThrow(/not RAM/);
    expect(run.trace.length).toBe(0);
  });

  it("undoes the stores of one step last to first", () => {
    const run = new Counting(0);
    run.add([{ writes: [1, 2, 3].map((value) => ({ at: WORD, old: bytes(value - 1), new: bytes(value) })) }]);
    expect(digest(run.trace, 1)).toBe("0x0 0300000000000000");
    expect(digest(run.trace, 0)).toBe("0x0 0000000000000000");
  });

  it("goes on from where it was truncated, and what stood elsewhere stays there", () => {
    const run = new Counting(2100);
    const { trace } = run;
    const before = digest(trace, 1400);
    trace.truncate(1500);
    expect(trace.length).toBe(1500);
    expect(() => trace.at(1501)).toThrow();
    trace.at(1400);
    run.add([{ ...count(1500), becomes: { rax: 7n } }]);
    expect(digest(trace, 1400)).toBe(before);
    expect(hex(trace.at(1501).register(0, "rax"))).toBe("0x7");
    expect(digest(trace, 1500)).toBe(digest(counting(1500), 1500));
  });
});
