import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Incoming, type Link, SessionSocket } from "../../src/wire/socket";

/** A socket whose other end is the test. */
class FakeSocket extends EventTarget {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  static get last(): FakeSocket {
    return FakeSocket.all.at(-1) as FakeSocket;
  }
  readonly url: URL;
  readonly protocol: string;
  readonly sent: string[] = [];
  readyState = 0;
  binaryType = "blob";

  constructor(url: URL, protocol: string) {
    super();
    this.url = url;
    this.protocol = protocol;
    FakeSocket.all.push(this);
  }
  open(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }
  say(data: object | ArrayBuffer): void {
    const text = data instanceof ArrayBuffer ? data : JSON.stringify(data);
    this.dispatchEvent(new MessageEvent("message", { data: text }));
  }
  drop(code: number): void {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }
  send(text: string): void {
    this.sent.push(text);
  }
  close(): void {
    this.readyState = 3;
  }
}

const CHUNK = { type: "chunk", first: 0, count: 0, insns: [], lanes: [], events: [], findings: [], held: [] };
const FRAME = new Uint8Array([1, 2, 3]).buffer;

describe("the session's socket", () => {
  let batches: (readonly Incoming[])[] = [];
  let links: Link[] = [];
  let held = 0;
  let socket: SessionSocket;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("WebSocket", FakeSocket);
    [batches, links, held, FakeSocket.all] = [[], [], 0, []];
    socket = new SessionSocket("abc", {
      received: (batch) => batches.push(batch),
      linkChanged: (link) => links.push(link),
      held: () => held,
    });
  });
  afterEach(() => {
    socket.close();
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it("speaks the protocol's name and asks from where it holds", () => {
    expect(FakeSocket.last.protocol).toBe("trapscope.v1");
    expect(FakeSocket.last.url.pathname).toBe("/api/sessions/abc/socket");
    expect(FakeSocket.last.url.search).toBe("?from=0");
  });

  it("hands over everything between two animation frames at once, chunks with their frames", () => {
    FakeSocket.last.open();
    for (let index = 0; index < 50; index++) {
      FakeSocket.last.say(CHUNK);
      FakeSocket.last.say(FRAME);
    }
    expect(batches).toHaveLength(0);
    vi.advanceTimersToNextFrame();
    expect(batches.map((batch) => batch.length)).toEqual([50]);
    expect(batches[0]?.every((incoming) => "frame" in incoming && incoming.frame?.length === 3)).toBe(true);
  });

  it("hands over a flood as an animation frame has time for it, in order", () => {
    FakeSocket.last.open();
    for (let first = 0; first < 6; first++) {
      FakeSocket.last.say({ ...CHUNK, first });
      FakeSocket.last.say(new ArrayBuffer(20 << 10));
    }
    FakeSocket.last.say({ type: "presence", people: [] });
    vi.advanceTimersToNextFrame();
    expect(batches.map((batch) => batch.length)).toEqual([3]);
    vi.advanceTimersToNextFrame();
    expect(batches.map((batch) => batch.length)).toEqual([3, 3]);
    vi.advanceTimersToNextFrame();
    expect(batches.flat().map(({ message }) => ("first" in message ? message.first : message.type))).toEqual([
      0,
      1,
      2,
      3,
      4,
      5,
      "presence",
    ]);
  });

  it("goes on while the page is hidden, which has no animation frames", () => {
    const frames = vi.spyOn(window, "requestAnimationFrame");
    FakeSocket.last.open();
    FakeSocket.last.say(CHUNK);
    FakeSocket.last.say(FRAME);
    expect(frames).toHaveBeenCalledTimes(1);
    const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    document.dispatchEvent(new Event("visibilitychange"));
    vi.advanceTimersByTime(100);
    FakeSocket.last.say(CHUNK);
    FakeSocket.last.say(FRAME);
    vi.advanceTimersByTime(100);
    expect(batches).toHaveLength(2);
    expect(frames).toHaveBeenCalledTimes(1);
    FakeSocket.last.say({ type: "presence", people: [] });
    hidden.mockReturnValue(false);
    document.dispatchEvent(new Event("visibilitychange"));
    expect(frames).toHaveBeenCalledTimes(2);
    vi.advanceTimersToNextFrame();
    expect(batches).toHaveLength(3);
  });

  it("does not wait for a frame behind a snapshot that announces none", () => {
    FakeSocket.last.say({ type: "snapshot", first: 8, steps: 8, cpus: null });
    vi.advanceTimersToNextFrame();
    expect(batches[0]).toMatchObject([{ message: { type: "snapshot" }, frame: null }]);
  });

  it("comes back after a lost connection, later each time, and names what it holds", () => {
    FakeSocket.last.open();
    held = 256;
    FakeSocket.last.drop(1006);
    expect(links.at(-1)).toMatchObject({ state: "waiting", retryIn: 250 });
    vi.advanceTimersByTime(250);
    expect(FakeSocket.last.url.search).toBe("?from=256");
    FakeSocket.last.drop(1006);
    expect(links.at(-1)).toMatchObject({ state: "waiting", retryIn: 500 });
  });

  it("hands over what came before the connection broke, so that it is not asked for again", () => {
    FakeSocket.last.open();
    FakeSocket.last.say(CHUNK);
    FakeSocket.last.say(FRAME);
    FakeSocket.last.drop(1006);
    expect(batches).toHaveLength(1);
  });

  it.each([1000, 4404, 4429])("stays away after close code %i", (code) => {
    FakeSocket.last.drop(code);
    vi.runAllTimers();
    expect(links.at(-1)).toEqual({ state: "closed", code });
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("numbers its commands and sends none while there is nobody to hear", () => {
    expect(socket.send({ type: "run", schedule: "0>." })).toBeNull();
    FakeSocket.last.open();
    expect([socket.send({ type: "run", schedule: "0>." }), socket.send({ type: "cancel" })]).toEqual([0, 1]);
    expect(JSON.parse(FakeSocket.last.sent[0] ?? "")).toEqual({ type: "run", schedule: "0>.", seq: 0 });
  });
});
