import { describe, expect, it } from "vitest";
import { PLACES, STORY } from "../../src/copy/copy.gen";
import { PASSAGES } from "../../src/copy/patch";
import { ofPlace, passageOfPlace, say, sayBriefly } from "../../src/copy/say";

/** Every message of the file, and the names of what goes into it. */
const MESSAGES = [...STORY.matchAll(/^([a-z][\w-]*) = ((?:.|\n(?=[ }]))*)/gm)].map(
  ([, id = "", text = ""]) => ({
    id,
    args: [...new Set([...text.matchAll(/\{ \$(\w+)/g)].map(([, name = ""]) => name))],
  }),
);

describe("the copy", () => {
  it.each(MESSAGES)("says $id with all that goes into it", ({ id, args }) => {
    const given = Object.fromEntries(args.map((name) => [name, name === "count" ? 2 : "x"]));
    expect(sayBriefly(id, given)).toMatch(/^[A-Z`][^{}]*[.?`]$/);
    const text = say(id, Object.fromEntries(args.map((name) => [name, name === "count" ? 2 : "x"])));
    expect(text).toMatch(/^[A-Z`]/);
    expect(text).not.toMatch(/[{}]|undefined|NaN/);
    expect((text.match(/`/g) ?? []).length % 2).toBe(0);
  });

  it("has one word for one address, and another for many", () => {
    const words = (count: number): string => say("preempted", { task: "worker", count });
    expect([words(1), words(2)].map((text) => text.slice(-20))).toEqual([
      "with 1 address pending.".slice(-20),
      "th 2 addresses pending.".slice(-20),
    ]);
  });

  it("is brief for those who watch it play", () => {
    expect(sayBriefly("int3-nop", { cpu: "0", symbol: "traced_fn" })).toBe(
      "CPU 0 finds `cc` where a nop was: `int3`.",
    );
    expect(sayBriefly("halted", { cpu: "0" })).toBe(say("halted", { cpu: "0" }));
  });

  it("refuses what there is not, and what lacks something", () => {
    expect(() => say("no-such-message")).toThrow("no-such-message");
    expect(() => say("halted")).toThrow();
  });

  it("tells of the stub's instructions one by one, and else of its function", () => {
    expect(ofPlace("ftrace_int3_stub_regs_caller", "push rax")).toBe("note-stub-saves");
    expect(ofPlace("ftrace_int3_stub_regs_caller", "nop")).toBe("role-ftrace_int3_stub_regs_caller");
    expect(ofPlace("caller_fn", "nop")).toBeNull();
  });

  it("shows passages of the patch that there are", () => {
    for (const name of Object.keys(PLACES.passages))
      expect(PASSAGES).toHaveProperty(passageOfPlace(name) ?? "");
  });
});
