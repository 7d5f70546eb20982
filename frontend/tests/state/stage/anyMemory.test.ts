import { describe, expect, it } from "vitest";
import { taskStateName } from "../../../src/copy/en";
import { fromNumber, hex, u64 } from "../../../src/lib/hex";
import { physical } from "../../../src/state/guest/memory";
import { stackText, wordText } from "../../../src/state/guest/words";
import { folded } from "../../../src/state/guest/folded";
import { codeRows, codeView } from "../../../src/state/stage/codeView";
import { siteView } from "../../../src/state/stage/siteView";
import { stackView } from "../../../src/state/stage/stackView";
import { threadView } from "../../../src/state/stage/threadView";
import { firstCall, FRAME, MOMENT, SITE, TASK } from "../../firstCall";

/** Values at which a conversion would break, if one is left that does not take all of them. */
const EDGES = ["0x0", "0x1", "0x80", "0x7fffffff", "0x80000000", "0x1fffffffffffff", "0x20000000000000"]
  .concat(["0x7fffffffffffffff", "0x8000000000000000", "0xffff888000000000", "0xffffc88000000000"])
  .concat(["0xffffffff80000000", "0xffffffff81000100", "0xffffffff81009ff8", "0xffffffffffffffff"])
  .map(u64);

/** xorshift32: the same bytes in every run of the test. */
function* bytesFrom(seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield state & 0xff;
  }
}

const word = (text: string): Uint8Array =>
  Uint8Array.from(text.slice(2).padStart(16, "0").match(/../g) ?? [], (byte) => parseInt(byte, 16)).reverse();

/** The views of a moment whose task, stacks and site hold whatever `fill` gives, word by word. */
function show(moment: number, fill: () => Uint8Array): void {
  const run = firstCall();
  const { memory } = run.at(moment);
  for (const [start, size] of [
    [TASK, 0x60],
    [FRAME, 0x30],
    [SITE, 8],
    ["0xffffffff81009f80", 0x80],
  ] as const) {
    for (let at = 0; at < size; at += 8) memory.put(physical(u64(start)) + at, fill());
  }
  const thread = threadView(run, moment, 0, "thread");
  for (const item of thread?.items ?? []) if (item.is === "field") taskStateName(item.field.value);
  for (const field of thread?.neighbours ?? []) taskStateName(field.value);
  threadView(run, moment, 0, "percpu");
  stackView(run, moment, 0);
  siteView(run, moment, { cpu: 0, isWeak: true, key: null });
  const code = codeView(run, moment, 0);
  codeRows(run, code, folded(code.listing.rows, 40), 0, 100);
}

describe("the views of a moment", () => {
  it.each(EDGES.map(hex))("take %s wherever guest memory may hold it", (value) => {
    for (const moment of Object.values(MOMENT)) {
      expect(() => {
        show(moment, () => word(value));
      }).not.toThrow();
    }
  });

  it("take memory full of anything", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const bytes = bytesFrom(seed * 0x9e3779b1);
      const fill = (): Uint8Array => Uint8Array.from({ length: 8 }, () => bytes.next().value);
      expect(() => {
        show(Object.values(MOMENT)[seed % Object.values(MOMENT).length] ?? 0, fill);
      }, `seed ${seed}`).not.toThrow();
    }
  });
});

describe("a value", () => {
  it.each(EDGES.map(hex))("has words, whatever it is: %s", (text) => {
    const { symbols } = firstCall().guest;
    expect(wordText(symbols, u64(text))).not.toBe("");
    expect(stackText(symbols, u64(text))).not.toBe("");
  });

  it("is a task's state by name, or its digits", () => {
    expect(taskStateName(fromNumber(0))).toBe("TASK_RUNNING");
    expect(taskStateName(u64("0xffffffff81002d95"))).toBe("0xffffffff81002d95");
  });
});
