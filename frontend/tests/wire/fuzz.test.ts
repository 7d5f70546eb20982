/**
 * Whatever bytes come: an error, and what was decoded before stays as it was; or, where even the checksum fits, a trace
 * that holds together. Never a wrong step behind a frame that was damaged on its way.
 */

import { describe, expect, it } from "vitest";
import { hexToBytes } from "../../src/lib/bytes";
import { hex } from "../../src/lib/hex";
import { TraceError } from "../../src/state/run/machine";
import { Trace } from "../../src/state/run/trace";
import { BatchDecoder } from "../../src/wire/batch";
import { decodeMemory } from "../../src/wire/frame";
import { FrameError } from "../../src/wire/reader";
import { Steps } from "../../src/wire/steps";
import { seal } from "../frames";
import { codesOf, filesOf, rangesOf, type StepsVector, vector } from "../vectors";

const NAMES = ["steps-first-call.json", "steps-two-cpus.json", "steps-empty.json"];
const VERSION_AT = 3;

/** Decodes a frame behind nothing; returns the error, which must be one that says that the frame is to blame. */
function refusal(given: StepsVector, frame: Uint8Array): FrameError | null {
  const steps = new Steps(given.first);
  try {
    new BatchDecoder(filesOf(given), steps).decode(frame, codesOf(given));
  } catch (error) {
    expect(error).toBeInstanceOf(FrameError);
    expect(steps.count).toBe(0);
    return error as FrameError;
  }
  return null;
}

/** Pseudo-random numbers below 2^32 (a xorshift): the same ones each time. */
function* random(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield state >>> 0;
  }
}

describe.each(NAMES)("a decoder that is given %s", (name) => {
  const given = vector<StepsVector>(name);
  const whole = hexToBytes(given.frame);

  it("refuses it cut off at any length", () => {
    for (let length = 0; length < whole.length; length++) {
      expect(refusal(given, whole.slice(0, length)), `${length} bytes`).not.toBeNull();
    }
  });

  it("refuses it with any single bit flipped", () => {
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const frame = whole.slice();
      frame[bit >> 3] = (frame[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(refusal(given, frame), `bit ${bit}`).not.toBeNull();
    }
  });

  it("refuses every other version by its number, though the checksum fits", () => {
    for (let version = 0; version < 256; version++) {
      if (version === whole[VERSION_AT]) continue;
      const body = whole.slice(0, -4);
      body[VERSION_AT] = version;
      expect(refusal(given, seal(body))?.message).toContain(`version ${version}`);
    }
  });

  it("refuses it cut off at any length, though the checksum fits", () => {
    for (let length = 0; length < whole.length - 4; length++) {
      expect(refusal(given, seal(whole.slice(0, length))), `${length} bytes`).not.toBeNull();
    }
  });

  it("takes it as it is after anything was refused", () => {
    const steps = new Steps(given.first);
    const decoder = new BatchDecoder(filesOf(given), steps);
    for (let length = 8; length < whole.length - 4; length++) {
      expect(() => {
        decoder.decode(seal(whole.slice(0, length)), codesOf(given));
      }).toThrow(FrameError);
    }
    decoder.decode(whole, codesOf(given));
    const fresh = new Steps(given.first);
    new BatchDecoder(filesOf(given), fresh).decode(whole, codesOf(given));
    const said = (all: Steps): string[] =>
      given.steps.map(({ n }) => {
        const { cpu, code, vector: number, errorCode, lane, rip, nextRip, regs, writes, device } = all.at(n);
        const parts = [cpu, code, number, errorCode, lane, hex(rip), hex(nextRip)];
        return JSON.stringify([
          parts,
          regs.map((change) => hex(change.new)),
          writes.map((write) => [...write.new]),
          device.map((write) => [hex(write.address), ...write.new]),
        ]);
      });
    expect(said(steps)).toEqual(said(fresh));
  });
});

describe("a decoder that is given the memory at moment 0", () => {
  const whole = hexToBytes(vector<{ frame: string }>("memory-text-and-stack.json").frame);

  it("refuses it cut off at any length, and with any single bit flipped", () => {
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeMemory(whole.slice(0, length))).toThrow(FrameError);
      if (length < whole.length - 4)
        expect(() => decodeMemory(seal(whole.slice(0, length)))).toThrow(FrameError);
    }
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const frame = whole.slice();
      frame[bit >> 3] = (frame[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => decodeMemory(frame)).toThrow(FrameError);
    }
  });
});

describe("a decoder that is given bytes which somebody sealed", () => {
  const given = vector<StepsVector>("steps-first-call.json");
  const whole = hexToBytes(given.frame);
  const body = whole.slice(0, -4);

  it("finds an error, or a run that can be gone through both ways, with any single bit flipped", () => {
    let taken = 0;
    for (let bit = 0; bit < body.length * 8; bit++) {
      const frame = body.slice();
      frame[bit >> 3] = (frame[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const steps = new Steps(given.first);
      const trace = new Trace(steps, filesOf(given), rangesOf(given.memory));
      try {
        new BatchDecoder(filesOf(given), steps).decode(seal(frame), codesOf(given));
        trace.extend();
      } catch (error) {
        expect(error instanceof FrameError || error instanceof TraceError, String(error)).toBe(true);
      }
      const end = trace.length;
      const last = trace.at(end).file(0).map(hex);
      expect(trace.at(0).file(0)).toEqual(filesOf(given)[0]);
      expect(trace.at(end).file(0).map(hex)).toEqual(last);
      if (end > 0) taken += 1;
    }
    // A flipped bit of a register's difference is another run, which no decoder can tell.
    expect(taken).toBeGreaterThan(0);
  });

  it("comes to an end with any bytes", () => {
    const numbers = random(20_01);
    for (let round = 0; round < 3000; round++) {
      const length = numbers.next().value % 120;
      const noise = Uint8Array.from({ length }, () => numbers.next().value);
      expect(refusal(given, noise)).not.toBeNull();
      const steps = seal(Uint8Array.from([0x54, 0x53, 2, 3, ...noise]));
      refusal(given, steps);
      const memory = seal(Uint8Array.from([0x54, 0x53, 1, 3, ...noise]));
      try {
        decodeMemory(memory);
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }
  });

  it("does not believe a count that the frame cannot hold", () => {
    const counted = Uint8Array.from([0x54, 0x53, 2, 3, 0, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    expect(refusal(given, seal(counted))?.message).toMatch(/4294967295 steps announced, 0 bytes left/);
    const wide = Uint8Array.from([0x54, 0x53, 2, 3, 0, 0xff, 0xff, 0xff, 0xff, 0x1f]);
    expect(refusal(given, seal(wide))?.message).toMatch(/wider than 32 bits/);
  });
});
