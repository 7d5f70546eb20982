import { afterEach, describe, expect, it, vi } from "vitest";
import { EXPORTS, exportFailureText } from "../../src/copy/en";
import { exportsOf, missing } from "../../src/state/exports";

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("what leaves the page", () => {
  it("is each format once, and for Tenet each CPU's side", () => {
    const tenet = exportsOf("a/b", 2).find(({ name }) => name === "tenet");
    expect(tenet?.files.map(({ path }) => path)).toEqual([
      "/api/sessions/a%2Fb/trace?format=tenet&cpu=0",
      "/api/sessions/a%2Fb/trace?format=tenet&cpu=1",
    ]);
    expect(
      exportsOf("s", 1)
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(Object.keys(EXPORTS).toSorted());
  });

  it("can be had as long as the server has the session", async () => {
    vi.stubGlobal("fetch", () => Promise.resolve(Response.json({ id: "s" })));
    expect(await missing("s")).toBeNull();
  });

  it("has words and a way on where it cannot be had", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
    const failure = await missing("s");
    expect(failure).toEqual({ is: "server-gone" });
    for (const why of [failure, { is: "session-expired" }, { is: "refused", detail: "busy" }] as const) {
      const words = why === null ? null : exportFailureText(why);
      expect(words?.text).toMatch(/^[A-Z].*\.$/s);
      expect(words?.action.length).toBeGreaterThan(4);
    }
  });
});
