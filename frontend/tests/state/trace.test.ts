import { describe, expect, it } from "vitest";
import { bytesToHex } from "../../src/lib/bytes";
import { fromNumber, hex, u64 } from "../../src/lib/hex";
import { Trace } from "../../src/state/trace";
import type { Step } from "../../src/wire/batch";
import { INDEX, REGISTERS } from "../../src/wire/registers";

const WORD = u64("0xffffffff81000000");
const ALIAS = u64("0xffff888001000000");

/** A run that counts: step n writes n + 1 over n, by the high half and by the alias in turn, and adds one to RAX. */
function counting(length: number): Trace {
  const trace = new Trace([REGISTERS.map(() => fromNumber(0))], []);
  const bytes = (value: number): Uint8Array => Uint8Array.of(value & 0xff, value >> 8);
  const steps = Array.from({ length }, (_, moment): Step => ({
    moment,
    cpu: 0,
    rip: fromNumber(0),
    code: 0,
    vector: -1,
    errorCode: -1,
    lane: 0,
    regs: [{ register: INDEX.rax, old: fromNumber(moment), new: fromNumber(moment + 1) }],
    writes: [{ address: moment % 2 ? ALIAS : WORD, old: bytes(moment), new: bytes(moment + 1) }],
  }));
  trace.append(steps);
  return trace;
}

const digest = (trace: Trace, moment: number): string => {
  const machine = trace.at(moment);
  return `${hex(machine.register(0, "rax"))} ${bytesToHex(machine.memory.read(WORD, 8))}`;
};

describe("a trace", () => {
  it("is at every moment what its steps made of the first one", () => {
    const trace = counting(3000);
    for (const moment of [0, 1, 1023, 1024, 1025, 2048, 2999, 3000]) {
      expect(hex(trace.at(moment).register(0, "rax"))).toBe(hex(fromNumber(moment)));
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

  it("refuses a step that overwrites other bytes than are there", () => {
    const trace = counting(4);
    const [last] = [trace.step(3)];
    expect(() => {
      trace.append([{ ...last, moment: 4 }]);
    }).toThrow(/overwrites 0300/);
  });

  it("refuses a store outside RAM", () => {
    const trace = counting(0);
    const step = counting(1).step(0);
    const write = { address: u64("0xfee00000"), old: new Uint8Array(4), new: new Uint8Array(4) };
    expect(() => {
      trace.append([{ ...step, writes: [write] }]);
    }).toThrow(/not RAM/);
  });

  it("goes on from where it was truncated", () => {
    const trace = counting(2100);
    const step = trace.step(1500);
    trace.truncate(1500);
    expect(trace.length).toBe(1500);
    expect(() => trace.at(1501)).toThrow();
    trace.append([step]);
    expect(hex(trace.at(1501).register(0, "rax"))).toBe(hex(fromNumber(1501)));
  });
});
