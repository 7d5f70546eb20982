/**
 * The session's socket: connects, reconnects, and hands over whole things in order.
 *
 * A chunk and the snapshot are two frames each, JSON and then binary; they are handed over together. What arrives
 * between two animation frames is handed over at once, so that it costs one redraw; of a flood of chunks, as much as a
 * frame has time for. A hidden page has no frames, and goes by a clock.
 */

import { assertNever } from "../lib/assertNever";
import type { Chunk, ClientMessage, ServerMessage, Snapshot } from "./wire.gen";

const SUBPROTOCOL = "trapscope.v1";
const FIRST_DELAY = 250; // ms
const LONGEST_DELAY = 8_000; // ms
const NO_STATUS = 1005;
/** Steps of so many bytes are decoded in a few milliseconds: some five thousand. */
const FRAME_BYTES = 48 << 10;
const HIDDEN_PAUSE = 100; // ms
/** Close codes after which coming back would be answered the same way. */
const FINAL_CODES = new Set([1000, 4404, 4429]);

/** A message with the binary frame that belongs to it. */
export type Incoming =
  | { readonly message: Exclude<ServerMessage, Chunk | Snapshot> }
  | { readonly message: Chunk; readonly frame: Uint8Array }
  | { readonly message: Snapshot; readonly frame: Uint8Array | null };

/** `waiting`: the connection is lost and will be tried again in `retryIn` ms; `closed`: it will not. */
export type Link =
  | { readonly state: "connecting" }
  | { readonly state: "open" }
  | { readonly state: "waiting"; readonly attempt: number; readonly retryIn: number }
  | { readonly state: "closed"; readonly code: number };

export interface Listener {
  /** What came since the last animation frame, in order. */
  received(batch: readonly Incoming[]): void;
  linkChanged(link: Link): void;
  /** How many steps are held already: asked at every (re)connection. */
  held(): number;
}

type Command = ClientMessage extends infer M ? (M extends { seq: number } ? Omit<M, "seq"> : never) : never;

export class SessionSocket {
  readonly #session: string;
  readonly #listener: Listener;
  #socket: WebSocket | null = null;
  #attempt = 0;
  #seq = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  /** A message whose binary frame has not come yet. */
  #awaiting: Chunk | Snapshot | null = null;
  #queue: Incoming[] = [];
  #frame: number | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(session: string, listener: Listener) {
    this.#session = session;
    this.#listener = listener;
    document.addEventListener("visibilitychange", this.#seen);
    this.#connect();
  }

  /** Sends a command and returns its number; null while not connected. */
  send(command: Command): number | null {
    if (this.#socket?.readyState !== WebSocket.OPEN) return null;
    const seq = this.#seq++;
    this.#socket.send(JSON.stringify({ ...command, seq }));
    return seq;
  }

  /** Tries at once instead of waiting for the next attempt. */
  retryNow(): void {
    if (this.#retry === undefined) return;
    clearTimeout(this.#retry);
    this.#connect();
  }

  /** Drops the connection and makes a new one: what came over the old one could not be used. */
  reconnect(): void {
    const old = this.#socket;
    this.#socket = null;
    this.#queue = [];
    old?.close(1000);
    this.#lost(NO_STATUS);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    document.removeEventListener("visibilitychange", this.#seen);
    this.#unschedule();
    this.#socket?.close(1000);
  }

  #connect(): void {
    this.#retry = undefined;
    this.#awaiting = null;
    this.#listener.linkChanged({ state: "connecting" });
    const url = new URL(`/api/sessions/${encodeURIComponent(this.#session)}/socket`, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    this.#flush();
    url.searchParams.set("from", String(this.#listener.held()));
    const socket = new WebSocket(url, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.addEventListener("open", () => {
      this.#attempt = 0;
      this.#listener.linkChanged({ state: "open" });
    });
    socket.addEventListener("message", (event) => {
      if (socket === this.#socket) this.#receive(event.data as string | ArrayBuffer);
    });
    socket.addEventListener("close", (event) => {
      if (socket === this.#socket && !this.#isClosed) this.#lost(event.code);
    });
  }

  #lost(code: number): void {
    this.#flush();
    if (FINAL_CODES.has(code)) {
      this.#listener.linkChanged({ state: "closed", code });
      return;
    }
    const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#attempt);
    this.#attempt += 1;
    this.#listener.linkChanged({ state: "waiting", attempt: this.#attempt, retryIn: delay });
    this.#retry = setTimeout(() => {
      this.#connect();
    }, delay);
  }

  #receive(data: string | ArrayBuffer): void {
    if (typeof data !== "string") {
      const [message, frame] = [this.#awaiting, new Uint8Array(data)];
      this.#awaiting = null;
      if (message !== null) this.#hand({ message, frame } as Incoming);
      return;
    }
    const message = JSON.parse(data) as ServerMessage;
    switch (message.type) {
      case "chunk":
        this.#awaiting = message;
        break;
      case "snapshot":
        if (message.cpus === null) this.#hand({ message, frame: null });
        else this.#awaiting = message;
        break;
      case "hello":
      case "status":
      case "presence":
      case "reply":
      case "refused":
      case "goodbye":
        this.#hand({ message });
        break;
      default:
        assertNever(message);
    }
  }

  #hand(incoming: Incoming): void {
    this.#queue.push(incoming);
    if (this.#frame === null && this.#timer === null) this.#schedule();
  }

  #schedule(): void {
    const next = (): void => {
      this.#flush(FRAME_BYTES);
    };
    if (document.hidden) this.#timer = setTimeout(next, HIDDEN_PAUSE);
    else this.#frame = requestAnimationFrame(next);
  }

  #unschedule(): void {
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#frame = this.#timer = null;
  }

  /** The page was hidden or is seen again: what waits for a frame may wait for ever. */
  readonly #seen = (): void => {
    this.#unschedule();
    if (this.#queue.length > 0) this.#schedule();
  };

  /** Hands over what has come, up to so many bytes of binary frames, and the rest later. */
  #flush(bytes = Infinity): void {
    this.#unschedule();
    let left = bytes;
    const rest = this.#queue.findIndex((incoming) => {
      if (left <= 0) return true;
      if ("frame" in incoming) left -= incoming.frame?.length ?? 0;
      return false;
    });
    const batch = this.#queue.splice(0, rest < 0 ? this.#queue.length : rest);
    if (this.#queue.length > 0) this.#schedule();
    if (batch.length > 0) this.#listener.received(batch);
  }
}
