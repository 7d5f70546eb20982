import { describe, expect, it } from "vitest";
import { BadLink, momentAddress, parseLink, runAddress } from "../../../src/state/session/link";

const BASE = new URL("http://localhost:8000/?scenario=old#m=3");
const CHOICE = {
  scenario: "first-call",
  design: "thread",
  variants: ["slot-first", "no-gap"],
  fetch: "weak",
} as const;

describe("a link to a moment", () => {
  it.each(["0*120 1*3 nmi@0 0*20", "0>&ftrace_regs_caller 0>.", "fetch@0+1 rr*3", "fetch@0&traced_fn+2"])(
    "brings back the schedule %j",
    (schedule) => {
      const link = parseLink(
        momentAddress(BASE, { ...CHOICE, variants: [...CHOICE.variants] }, schedule, 143),
      );
      expect(link).toEqual({
        choice: {
          scenario: "first-call",
          design: "thread",
          variants: ["slot-first", "no-gap"],
          fetch: "weak",
        },
        session: null,
        schedule,
        moment: 143,
      });
    },
  );

  it("can be read by people", () => {
    const url = momentAddress(BASE, { ...CHOICE, variants: [] }, "0*120 nmi@0", 7);
    expect(url.hash).toBe("#s=0*120+nmi@0&m=7");
  });

  it("leaves nothing of the address it was made from", () => {
    expect(runAddress(BASE, { ...CHOICE, variants: [] }).href).toBe(
      "http://localhost:8000/?scenario=first-call&design=thread&fetch=weak",
    );
  });
});

describe("an address", () => {
  it("may say nothing at all", () => {
    expect(parseLink(new URL("http://localhost:8000/"))).toEqual({
      choice: { variants: [], fetch: "coherent" },
      session: null,
      schedule: null,
      moment: null,
    });
  });

  it("takes variants repeated or with commas", () => {
    const link = parseLink(new URL("http://localhost:8000/?variant=a,b&variant=c"));
    expect(link.choice.variants).toEqual(["a", "b", "c"]);
  });

  it.each(["?fetch=strong", "#m=-1", "#m=12x", "#m=1e9", "#s=&m=1", "#s=+"])(
    "%s is refused by name",
    (tail) => {
      expect(() => parseLink(new URL(`http://localhost:8000/${tail}`))).toThrow(BadLink);
    },
  );
});
