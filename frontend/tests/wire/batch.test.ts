/** The decoder against the vectors that the Python encoder and decoder are held to as well. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bytesToHex, hexToBytes } from "../../src/lib/bytes";
import { hex, u64 } from "../../src/lib/hex";
import { Trace } from "../../src/state/run/trace";
import { BatchDecoder } from "../../src/wire/batch";
import { decodeMemory } from "../../src/wire/frame";
import { REGISTERS } from "../../src/wire/registers";
import { type Step, Steps } from "../../src/wire/steps";
import {
  codesOf,
  filesOf,
  rangesOf,
  type RefusedVector,
  type StepsVector,
  VECTORS,
  vector,
} from "../vectors";

function asVector(step: Step, codes: StepsVector["codes"]): unknown {
  return {
    n: step.moment,
    cpu: step.cpu,
    kind: step.vector < 0 ? "insn" : "delivery",
    rip: hex(step.rip),
    bytes: step.code < 0 ? "" : codes[step.code]?.bytes,
    vector: step.vector,
    error_code: step.errorCode,
    lane: step.lane,
    regs: Object.fromEntries(
      step.regs.map((change) => [REGISTERS[change.register], { old: hex(change.old), new: hex(change.new) }]),
    ),
    writes: step.writes.map((write) => ({
      addr: hex(write.address),
      old: bytesToHex(write.old),
      new: bytesToHex(write.new),
    })),
    device: step.device.map((write) => ({ addr: hex(write.address), new: bytesToHex(write.new) })),
  };
}

describe("decoding a batch of steps", () => {
  const names = readdirSync(VECTORS).filter((name) => name.startsWith("steps-"));

  it("has vectors to be held to", () => {
    expect(names.length).toBeGreaterThan(1);
  });

  it.each(names)("reads %s as it was written", (name) => {
    const given = vector<StepsVector>(name);
    expect(given.registers).toEqual([...REGISTERS]);
    const steps = new Steps(given.first);
    new BatchDecoder(filesOf(given), steps).decode(hexToBytes(given.frame), codesOf(given));
    expect(steps.end).toBe(given.first + given.steps.length);
    expect(given.steps.map(({ n }) => asVector(steps.at(n), given.codes))).toEqual(given.steps);
  });

  const refused = vector<RefusedVector>("refused.json");

  it.each(refused.frames)("refuses $why", ({ frame }) => {
    const steps = new Steps(refused.first);
    const decoder = new BatchDecoder(filesOf(refused), steps);
    const trace = new Trace(steps, filesOf(refused), rangesOf(refused.memory));
    expect(() => {
      decoder.decode(hexToBytes(frame), codesOf(refused));
      trace.extend();
    }).toThrow(Error);
    expect(trace.at(trace.length).moment).toBe(trace.length);
    expect(steps.end === refused.first || trace.length < steps.end).toBe(true);
  });

  it("refuses a batch that does not follow on the last one", () => {
    const given = vector<StepsVector>("steps-first-call.json");
    const decoder = new BatchDecoder(filesOf(given), new Steps(given.first));
    decoder.decode(hexToBytes(given.frame), codesOf(given));
    expect(() => {
      decoder.decode(hexToBytes(given.frame), codesOf(given));
    }).toThrow(/begins at moment 0, expected 10/);
  });
});

describe("decoding the memory at moment 0", () => {
  it.each(["memory-nothing.json", "memory-text-and-stack.json"])("reads %s", (name) => {
    const given = JSON.parse(readFileSync(join(VECTORS, name), "utf8")) as {
      frame: string;
      ranges: { addr: string; bytes: string }[];
    };
    const ranges = decodeMemory(hexToBytes(given.frame));
    expect(ranges.map((range) => ({ addr: hex(range.address), bytes: bytesToHex(range.bytes) }))).toEqual(
      given.ranges,
    );
  });

  it("refuses a frame of steps", () => {
    const { frame } = vector<StepsVector>("steps-first-call.json");
    expect(() => decodeMemory(hexToBytes(frame))).toThrow(/kind 2/);
  });
});

it("takes an address as the wire writes it", () => {
  expect(hex(u64("0xffff888001000100"))).toBe("0xffff888001000100");
});
