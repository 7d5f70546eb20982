import { afterEach, describe, expect, it, vi } from "vitest";
import { EXPORTS, exportFailureText } from "../../../src/copy/en";
import { exportsOf, missing } from "../../../src/state/session/exports";

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("what leaves the page", () => {
  it("is each format once, and for Tenet each CPU's side", () => {
    const tenet = exportsOf({ session: "a/b", cpus: 2, moment: 7, cpu: 1 }).find(
      ({ name }) => name === "tenet",
    );
    expect(tenet?.files.map(({ path }) => path)).toEqual([
      "/api/sessions/a%2Fb/trace?format=tenet&cpu=0",
      "/api/sessions/a%2Fb/trace?format=tenet&cpu=1",
    ]);
    expect(
      exportsOf({ session: "s", cpus: 1, moment: 7, cpu: 0 })
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(Object.keys(EXPORTS).toSorted());
  });

  it("is the figure of the moment shown, light or dark", () => {
    const figure = exportsOf({ session: "s", cpus: 2, moment: 7, cpu: 1 }).find(
      ({ name }) => name === "figure",
    );
    expect(figure?.files.map(({ path }) => path)).toEqual([
      "/api/sessions/s/figure?at=7&cpu=1&theme=light",
      "/api/sessions/s/figure?at=7&cpu=1&theme=dark",
    ]);
    expect(EXPORTS.figure.title(7)).toContain("7");
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
