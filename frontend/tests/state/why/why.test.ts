import { afterEach, describe, expect, it, vi } from "vitest";
import { failureText } from "../../../src/copy/en";
import { Why } from "../../../src/state/why/why.svelte";

const question = { target: "0x10+8", name: "slots[0]", at: 7 };
const problem = (code: string, status: number): Response =>
  new Response(JSON.stringify({ code, status, detail: "no such target" }), {
    status,
    headers: { "content-type": "application/problem+json" },
  });

function answering(...answers: (() => Promise<Response>)[]): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (path: string) => {
    asked.push(path);
    return answers.shift()?.() ?? Promise.reject(new TypeError("no network"));
  });
  return asked;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("a question about a value", () => {
  it("is asked of the session's run, and its answer told", async () => {
    const chain = { target: "0x10+8", at: 7, links: [], path: [], limited: false };
    const asked = answering(() => Promise.resolve(Response.json(chain)));
    const why = new Why();
    await why.ask("s/1", question);
    expect(asked).toEqual(["/api/sessions/s%2F1/why?target=0x10%2B8&at=7"]);
    expect(why.answer).toEqual({ is: "told", question, chain });
  });

  it.each([
    ["server-gone", () => Promise.reject(new TypeError("no network"))],
    ["session-expired", () => Promise.resolve(problem("unknown-session", 404))],
    ["refused", () => Promise.resolve(problem("bad-input", 422))],
  ])("that fails says why: %s", async (is, answer) => {
    answering(answer);
    const why = new Why();
    await why.ask("s", question);
    const failed = why.answer;
    if (failed?.is !== "failed") throw new Error(`it is ${failed?.is ?? "closed"}`);
    expect(failed.why.is).toBe(is);
    const { text, action } = failureText(failed.why);
    expect(text).toMatch(/^[A-Z].*\.$/s);
    expect(action.length).toBeGreaterThan(4);
  });

  it("that was closed or asked anew is not answered by what comes later", async () => {
    let settle: (response: Response) => void = () => undefined;
    answering(
      () => new Promise((resolve) => (settle = resolve)),
      () => Promise.resolve(problem("bad-input", 422)),
    );
    const why = new Why();
    const first = why.ask("s", question);
    await why.ask("s", { ...question, at: 8 });
    settle(Response.json({ links: [] }));
    await first;
    expect(why.answer).toMatchObject({ is: "failed", question: { at: 8 } });
    why.close();
    expect(why.answer).toBeNull();
  });
});
