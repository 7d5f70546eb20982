import { describe, expect, it } from "vitest";
import { fetchedSince } from "../../../src/copy/en";
import type { Decoded } from "../../../src/state/stage/decoded";
import { siteView } from "../../../src/state/stage/siteView";
import type { FetchViewChanged, TextWritten } from "../../../src/wire/wire.gen";
import { firstCall, MOMENT, SITE } from "../../firstCall";

const OLD = "0f1f440000";
const NEW = "e811223344";

const told = (n: number, seen: string, cause: string): FetchViewChanged => ({
  n,
  cpu: 0,
  event: "fetch-view",
  site: SITE,
  symbol: "traced_fn",
  kind: "function",
  seen,
  stale: [],
  cause,
});

const written = (n: number, part: string, offset: number, old: string, bytes: string): TextWritten => ({
  n,
  cpu: 0,
  event: "text-write",
  site: SITE,
  addr: `0x${(BigInt(SITE) + BigInt(offset)).toString(16)}`,
  symbol: "traced_fn+0x0",
  part,
  old,
  new: bytes,
});

function decodedAt(moment: number, ...events: Parameters<typeof firstCall>[0] & object): Decoded {
  const [decoded] = siteView(firstCall(events), moment, { cpu: 0, isWeak: true, key: null })?.decodes ?? [];
  if (decoded === undefined) throw new Error("nobody decodes anything");
  return decoded;
}

const bytesOf = (decoded: Decoded): string =>
  (decoded.fetched ?? [])
    .map(({ value, isStale }) => `${value.toString(16).padStart(2, "0")}${isStale ? "!" : ""}`)
    .join(" ");

describe("what a CPU would decode under the weak fetch model", () => {
  it("is what memory holds, as long as nothing was told", () => {
    const decoded = decodedAt(MOMENT.start);
    expect([bytesOf(decoded), decoded.text, decoded.since]).toEqual(["cc 1f 44 00 00", "int3", null]);
  });

  it("is what was told last, with the bytes marked that memory does not hold", () => {
    const decoded = decodedAt(4, told(3, OLD, "stored"));
    expect([bytesOf(decoded), decoded.text]).toEqual(["0f! 1f 44 00 00", "nop"]);
    expect(decoded.since).toMatchObject({ moment: 4, cause: "stored" });
    expect(fetchedSince(decoded).short).toBe("stale since moment 4");
  });

  it("is not told before its moment", () => {
    expect(bytesOf(decodedAt(3, told(3, OLD, "stored")))).toBe("cc 1f 44 00 00");
  });

  it("is fresh again from the serialising instruction on, which is named", () => {
    const decoded = decodedAt(MOMENT.returned, told(3, OLD, "stored"), told(8, "cc1f440000", "serialised"));
    expect(bytesOf(decoded)).toBe("cc 1f 44 00 00");
    expect(decoded.since).toEqual({ moment: 9, cause: "serialised", cpu: 0, insn: "iretq" });
    expect(fetchedSince(decoded).short).toBe("fresh since moment 9, by iretq");
  });

  it("goes stale with the first store after what was told, though that is not told of again", () => {
    const stores = [written(5, "tail", 1, "1f440000", "22334455"), written(6, "first-byte", 0, "cc", "e8")];
    const decoded = decodedAt(MOMENT.returned, told(3, "cc1f440000", "serialised"), ...stores);
    expect(decoded.since).toMatchObject({ moment: 6, cause: "stored" });
  });

  it("says what the schedule let through, and what not", () => {
    const decoded = decodedAt(5, told(4, OLD, "schedule"));
    expect(fetchedSince(decoded).short).toBe("partly fresh since moment 5, by the schedule");
    expect(fetchedSince(decodedAt(5, told(4, "cc1f440000", "schedule"))).short).toMatch(/^fresh since/);
  });

  it("is torn where it is neither the breakpoint nor the old nor the new instruction", () => {
    const stores = [written(2, "tail", 1, "1f440000", NEW.slice(2)), written(4, "first-byte", 0, "cc", "e8")];
    const isTorn = (seen: string): boolean =>
      decodedAt(MOMENT.pushed, ...stores, told(5, seen, "schedule")).isTorn;
    expect(["e81f440000", "e811223344", "cc1f440000"].map(isTorn)).toEqual([true, false, false]);
  });

  it("is forgotten where the run is cut back", () => {
    const run = firstCall([told(3, OLD, "stored")]);
    run.truncate(3);
    expect(run.sites.all[0]?.fetched).toEqual([]);
  });
});
