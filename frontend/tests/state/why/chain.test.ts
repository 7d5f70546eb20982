import { describe, expect, it } from "vitest";
import { codeVersion, endText, otherSource, roleText } from "../../../src/copy/en";
import { momentOf, wayThrough } from "../../../src/state/why/chain";
import type { Link, Source, SourceRole, TracedStep, Why } from "../../../src/wire/wire.gen";

const step = (n: number, more: Partial<TracedStep> = {}): TracedStep => ({
  n,
  cpu: 0,
  kind: "insn",
  rip: "0x10",
  symbol: "traced_fn+0x0",
  file: null,
  line: null,
  bytes: "90",
  text: "nop",
  vector: null,
  context: "process",
  trap: 0,
  task: "worker",
  written: [],
  stale: false,
  cause: null,
  ...more,
});

const link = (id: number, sources: Source[], more: Partial<Link> = {}): Link => ({
  id,
  target: `0x${id}+8`,
  name: `value ${id}`,
  at: 100 - id,
  value: { hex: "0x1", bytes: "01", symbol: null },
  step: step(90 - id),
  end: null,
  sources,
  ...more,
});

const from = (link: number, role: SourceRole = "data"): Source => ({ role, link });

/** 0 ◄ 1 ◄ 2, with 3 beside 0 and 4 beside 3; 3 leads back to 0. */
const chain: Why = {
  target: "0x0+8",
  at: 100,
  path: [0, 1, 2],
  limited: false,
  links: [
    link(0, [from(1), from(3, "address")]),
    link(1, [from(2)]),
    link(2, [from(4, "address")], { end: { code: "constant", words: "the step itself says it" } }),
    link(3, [from(4), from(0)]),
    link(4, [], { step: null, end: { code: "start", words: "as it was at moment 0" } }),
  ],
};

const ids = (choices: readonly (readonly [number, number])[]): number[] =>
  wayThrough(chain, new Map(choices)).map((stop) => stop.link.id);

describe("the way back from a value", () => {
  it("is the main line, and goes no further along an address alone", () => {
    expect(ids([])).toEqual([0, 1, 2]);
  });

  it("says what each value was taken as, and which other sources there were", () => {
    const [asked, next] = wayThrough(chain, new Map());
    expect([asked?.role, next?.role]).toEqual([null, "data"]);
    expect(asked?.others).toEqual([from(3, "address")]);
    expect(wayThrough(chain, new Map()).at(-1)?.others).toEqual([from(4, "address")]);
  });

  it("goes on from another source where that is chosen, and keeps the main line in reach", () => {
    expect(ids([[0, 3]])).toEqual([0, 3, 4]);
    const [asked] = wayThrough(chain, new Map([[0, 3]]));
    expect(asked?.others).toEqual([from(1)]);
  });

  it("can leave the end of the main line by an address", () => {
    expect(ids([[2, 4]])).toEqual([0, 1, 2, 4]);
  });

  it("ends where it would come back to itself", () => {
    expect(
      ids([
        [0, 3],
        [3, 0],
      ]),
    ).toEqual([0, 3]);
  });

  it("leads to the moment that shows a value first", () => {
    expect(chain.links.map(momentOf)).toEqual([91, 90, 89, 88, 96]);
  });
});

describe("the words of a chain", () => {
  it("tell every role, on the way and beside it", () => {
    for (const role of ["data", "part", "flags", "code", "address"] as const) {
      expect(roleText(role).length).toBeGreaterThan(3);
      expect(otherSource(role, "rax of CPU 0")).toContain("rax of CPU 0");
    }
  });

  it("tell the end as a sentence", () => {
    expect(chain.links.slice(2).map((end) => endText(end))).toEqual([
      "The step itself says it.",
      "From here only the address is known to lead on: see what is listed beside it.",
      "As it was at moment 0.",
    ]);
  });

  it("tell which version of its bytes an instruction was decoded from, where that is not the only one", () => {
    expect(codeVersion(step(5))).toBeNull();
    expect(codeVersion(step(5, { written: [2] }))).toBe("Decoded from its bytes as written at moment 3.");
    expect(codeVersion(step(5, { stale: true, cpu: 1 }))).toBe(
      "CPU 1 decoded its bytes as they were at moment 0: memory held newer ones.",
    );
  });
});
