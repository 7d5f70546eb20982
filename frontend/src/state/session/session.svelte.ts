/**
 * One session as the page knows it: the connection, the recording that grows, what the server says of the run.
 *
 * What is recorded stays when the connection goes: the cursor works on, and a reconnection asks for the rest only.
 */

import { assertNever } from "../../lib/assertNever";
import { decodeMemory } from "../../wire/frame";
import { FrameError } from "../../wire/reader";
import { type Incoming, type Link, SessionSocket } from "../../wire/socket";
import type { Finding, Hello, Person, Refusal, Status } from "../../wire/wire.gen";
import type { Guest } from "../guest/guest";
import { TraceError } from "../run/machine";
import { Recording } from "../run/recording";
import { splitName } from "../guest/symbols";

/** How a run ended, and what to look at next. */
export type Ending = NonNullable<Status["ending"]>;

export class Session {
  readonly id: string;
  hello = $state.raw<Hello | null>(null);
  status = $state.raw<Status | null>(null);
  link = $state.raw<Link>({ state: "connecting" });
  people = $state.raw<readonly Person[]>([]);
  /** The newest command that was refused, until the next one is accepted. */
  refusal = $state.raw<Refusal | null>(null);
  /** Why the schedule that was asked for could not be run, where the scenario's own has been run in its place. */
  substituted = $state.raw<Refusal | null>(null);
  /** Why the server closed the session for good. */
  goodbye = $state.raw<Refusal | null>(null);
  recording = $state.raw<Recording | null>(null);
  /** Grows with everything that arrives for the recording, which itself is no reactive state. */
  version = $state(0);
  /** Sources and machine code of everything that ran are here. */
  isComplete = $state(false);
  /** What was left of the schedule has been dropped on request. */
  isCancelled = $state(false);
  /** A schedule was sent, and no status has spoken of it yet. */
  #isAsked = $state(false);
  #isQueued = false;
  readonly #guest: Guest;
  readonly #socket: SessionSocket;
  /** The schedule to start with, until the server has it in its log. */
  #opening: string | null;
  readonly #usual: string;
  #codesSeen = 0;
  /** How many answers about the code that ran are still to come. */
  #asking = 0;
  #mustRestart = false;

  /** `opening` is run once, if nothing has run in this session yet; where it is no schedule, `usual` is. */
  constructor(id: string, guest: Guest, opening: string | null, usual: string) {
    this.id = id;
    this.#usual = usual;
    this.#guest = guest;
    this.#opening = opening;
    this.#socket = new SessionSocket(id, {
      received: (batch) => {
        this.#received(batch);
      },
      linkChanged: (link) => {
        this.link = link;
      },
      held: () => (this.#mustRestart ? 0 : (this.recording?.length ?? 0)),
    });
  }

  get length(): number {
    void this.version;
    return this.recording?.length ?? 0;
  }

  get findings(): readonly Finding[] {
    void this.version;
    return this.recording?.findings ?? [];
  }

  /** Whether the run is over: nothing can be appended to it any more. */
  get isOver(): boolean {
    return this.status?.state === "ended" || this.status?.state === "failed";
  }

  /** Everything that the server has of this run is here. */
  get isCaughtUp(): boolean {
    const status = this.status;
    return (
      !this.#isAsked &&
      status !== null &&
      status.state !== "running" &&
      status.state !== "rebuilding" &&
      this.length >= status.steps
    );
  }

  run(schedule: string): boolean {
    const isSent = this.#socket.send({ type: "run", schedule }) !== null;
    if (isSent) {
      this.#isAsked = true;
      this.#isQueued = false;
      this.isCancelled = false;
    }
    return isSent;
  }

  /** Whether steps are being made that can still be called off. */
  get isRunning(): boolean {
    return this.status?.state === "running" && this.link.state === "open";
  }

  /** Drops what has not run yet; what has run stays. */
  cancel(): void {
    if (this.isRunning) this.#socket.send({ type: "cancel" });
  }

  retryNow(): void {
    this.#socket.retryNow();
  }

  close(): void {
    this.#socket.close();
  }

  #received(batch: readonly Incoming[]): void {
    try {
      for (const incoming of batch) this.#take(incoming);
    } catch (error) {
      if (!(error instanceof FrameError || error instanceof TraceError)) throw error;
      // The stream and what is held have parted: read the log again from its start.
      this.#mustRestart = true;
      this.#socket.reconnect();
      return;
    }
    this.version += 1;
    void this.#completeCode();
  }

  #take(incoming: Incoming): void {
    const { message } = incoming;
    switch (message.type) {
      case "hello":
        this.hello = message;
        this.people = message.people;
        return;
      case "snapshot":
        if (message.cpus !== null && "frame" in incoming && incoming.frame !== null) {
          this.recording = new Recording(this.#guest, message.cpus, decodeMemory(incoming.frame));
          this.#codesSeen = 0;
          this.#mustRestart = false;
        } else {
          this.recording?.truncate(message.first);
        }
        if (message.steps === 0 && this.#opening !== null) this.run(this.#opening);
        else this.#opening = null;
        return;
      case "chunk":
        if ("frame" in incoming && incoming.frame !== null) this.recording?.append(message, incoming.frame);
        return;
      case "status":
        this.status = message;
        if (message.state !== "idle" || message.steps > this.length || this.#isQueued) this.#isAsked = false;
        return;
      case "presence":
        this.people = message.people;
        return;
      case "reply":
        this.refusal = null;
        if (message.did === "queued") {
          this.#opening = null;
          this.#isQueued = true;
        }
        if (message.did === "cancelled") this.isCancelled = true;
        return;
      case "refused":
        this.refusal = message.why;
        this.#isAsked = false;
        if (this.length === 0 && this.#opening !== null && this.#opening !== this.#usual) {
          this.substituted = message.why;
          this.run(this.#usual);
        }
        this.#opening = null;
        return;
      case "goodbye":
        this.goodbye = message.why;
        return;
      default:
        assertNever(message);
    }
  }

  /** The functions that the CPUs stand in at the end of what is recorded: nothing of them need have run. */
  #whereCpusStand(): string[] {
    const { recording } = this;
    if (recording === null) return [];
    const machine = recording.at(recording.length);
    return Array.from({ length: recording.cpus }, (_, cpu) => machine.register(cpu, "rip")).flatMap(
      (rip) => this.#guest.symbols.owner(rip) ?? [],
    );
  }

  /** Has the guest's text fetched for what has run, before anyone looks at it. */
  async #completeCode(): Promise<void> {
    const codes = this.recording?.codes ?? [];
    const fresh = codes.slice(this.#codesSeen);
    this.#codesSeen = codes.length;
    if (fresh.length > 0) {
      const functions = fresh.flatMap(({ insn }) =>
        insn.symbol === null ? [] : [splitName(insn.symbol).name],
      );
      functions.push(...this.#whereCpusStand());
      const files = fresh.flatMap(({ insn }) => (insn.file === null ? [] : [insn.file]));
      this.#asking += 1;
      await this.#guest.need(functions, files);
      this.#asking -= 1;
      this.version += 1;
    }
    if (this.isCaughtUp && this.#asking === 0 && this.#codesSeen === (this.recording?.codes.length ?? 0))
      this.isComplete = true;
  }
}
