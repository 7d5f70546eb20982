import { describe, expect, test } from "vitest";
import { HeldLog } from "../../../src/state/run/held";
import type { Held } from "../../../src/wire/wire.gen";

const BLOCKED = { nmi_blocked: true, pending: [] };
const NOTHING = { nmi_blocked: false, pending: [] };
const WAITING = {
  nmi_blocked: false,
  pending: [{ what: "irq" as const, vector: 0xec, waits_for: ["if-clear" as const] }],
};

function told(...entries: readonly Held[]): HeldLog {
  const log = new HeldLog(2);
  log.append(entries);
  return log;
}

describe("what a CPU holds back", () => {
  test("is nothing until something was told of that CPU", () => {
    const log = told({ n: 3, cpu: 1, ...BLOCKED });
    expect(log.at(2, 1)).toEqual(NOTHING);
    expect(log.at(9, 0)).toEqual(NOTHING);
  });

  test("holds from its moment on, until the CPU's next entry", () => {
    const log = told(
      { n: 3, cpu: 0, ...BLOCKED },
      { n: 4, cpu: 1, ...WAITING },
      { n: 7, cpu: 0, ...NOTHING },
    );
    expect([2, 3, 6, 7].map((moment) => log.at(moment, 0).nmi_blocked)).toEqual([false, true, true, false]);
    expect(log.at(6, 1)).toMatchObject(WAITING);
  });

  test("is the last told of one moment: an injection comes behind what the step before it brought", () => {
    const log = told({ n: 3, cpu: 0, ...BLOCKED }, { n: 3, cpu: 0, ...WAITING });
    expect(log.at(3, 0)).toMatchObject(WAITING);
  });

  test("is the same when a chunk without steps comes again", () => {
    const log = told({ n: 3, cpu: 0, ...BLOCKED }, { n: 5, cpu: 0, ...WAITING });
    log.append([{ n: 5, cpu: 0, ...WAITING }]);
    expect([4, 5, 6].map((moment) => log.at(moment, 0).pending.length)).toEqual([0, 1, 1]);
  });

  test("is forgotten behind a moment from which the log is told anew", () => {
    const log = told({ n: 3, cpu: 0, ...BLOCKED }, { n: 5, cpu: 0, ...WAITING });
    log.truncate(4);
    expect(log.at(9, 0)).toMatchObject(BLOCKED);
  });
});

describe("from when to when something was pending", () => {
  test("is from where it was raised to where it was taken, or to the end", () => {
    const log = told(
      { n: 3, cpu: 0, ...WAITING },
      { n: 5, cpu: 0, ...BLOCKED },
      { n: 8, cpu: 0, ...WAITING },
    );
    expect(log.spans(0, 20)).toEqual([
      { what: "irq", vector: 0xec, from: 3, to: 5 },
      { what: "irq", vector: 0xec, from: 8, to: 20 },
    ]);
    expect(log.spans(1, 20)).toEqual([]);
  });

  test("goes on while what it waits for changes, and is nothing where it was taken at once", () => {
    const next = { ...WAITING, pending: WAITING.pending.map((one) => ({ ...one, waits_for: [] })) };
    expect(
      told({ n: 3, cpu: 0, ...WAITING }, { n: 5, cpu: 0, ...next }, { n: 6, cpu: 0, ...NOTHING }).spans(0, 9),
    ).toEqual([{ what: "irq", vector: 0xec, from: 3, to: 6 }]);
    expect(told({ n: 3, cpu: 0, ...WAITING }, { n: 3, cpu: 0, ...NOTHING }).spans(0, 9)).toEqual([]);
  });
});
