/** The page as a whole: which scenarios there are, which run is shown, what stands in the way of showing it. */

import { fetchScenarios, createSession, fetchSession, ProblemError, Unreachable } from "../../wire/rest";
import type { DesignChoice, ScenarioInfo, SessionInfo } from "../../wire/wire.gen";
import { injected, type Injection } from "../session/branch";
import { Cursor } from "../timeline/cursor.svelte";
import { Guest } from "../guest/guest";
import { landed, type Landing, landingAt } from "../timeline/landing";
import {
  BadLink,
  type Choice,
  type Link,
  momentAddress,
  parseLink,
  runAddress,
  sessionAddress,
} from "../session/link";
import { Session } from "../session/session.svelte";
import { type Question, Why } from "../why/why.svelte";

/** Why there is no run to show. The words for each are in copy/. */
export type Trouble =
  | { readonly is: "server-gone" }
  | { readonly is: "bad-link"; readonly detail: string }
  | { readonly is: "unknown-scenario"; readonly name: string }
  | { readonly is: "no-scenarios" }
  | { readonly is: "session-expired" }
  | { readonly is: "refused"; readonly detail: string }
  | { readonly is: "broken"; readonly detail: string };

/** What tests, embedders and people's scripts read from `data-state`. */
export type PageState = "loading" | "ready" | "playing" | "paused" | "ended" | "offline";

const FIRST_SCENARIO = "first-call";

export class App {
  scenarios = $state.raw<readonly ScenarioInfo[]>([]);
  session = $state.raw<Session | null>(null);
  choice = $state.raw<Choice | null>(null);
  trouble = $state.raw<Trouble | null>(null);
  readonly cursor = new Cursor(
    () => this.session?.recording ?? null,
    () => this.session?.isCaughtUp === false,
  );
  readonly why = new Why();
  #pinned = $state<number | null>(null);
  #guest: Guest | null = null;
  /** Where the cursor is to stand as soon as the run has come that far. */
  #wanted: number | Landing | null = null;
  #opening = 0;
  /** The address of the run that is on the stage. */
  #shown: string | null = null;
  /** The session that this page made last: the next one takes its place. */
  #own: string | null = null;

  get scenario(): ScenarioInfo | null {
    return this.scenarios.find((scenario) => scenario.name === this.choice?.scenario) ?? null;
  }

  /** The CPU whose code and stack are shown: the one chosen, else the one that made the last step. */
  get cpu(): number {
    const recording = this.session?.recording ?? null;
    if (recording === null || this.#pinned === null || this.#pinned >= recording.cpus)
      return this.#steppingCpu;
    return this.#pinned;
  }

  /** Keeps to one CPU; null follows the run. */
  pin(cpu: number | null): void {
    this.#pinned = cpu;
  }

  get #steppingCpu(): number {
    const { session, cursor } = this;
    const recording = session?.recording ?? null;
    if (recording === null || session === null || session.length === 0) return 0;
    return recording.step(Math.max(0, Math.min(cursor.moment, session.length) - 1)).cpu;
  }

  get design(): DesignChoice | null {
    return this.scenario?.designs.find(({ name }) => name === this.choice?.design) ?? null;
  }

  get state(): PageState {
    const { session, cursor } = this;
    if (session === null || this.trouble !== null)
      return this.trouble?.is === "server-gone" ? "offline" : "loading";
    if (session.link.state === "waiting" || session.link.state === "closed") return "offline";
    if (cursor.isPlaying) return "playing";
    if (!session.isCaughtUp || !session.isComplete) return "loading";
    if (cursor.moment === 0) return "ready";
    return session.isOver && cursor.moment >= session.length ? "ended" : "paused";
  }

  /** Reads the address and opens what it names, at the moment that it names, or else where `landing` leads. */
  async open(url: URL, landing: Landing | null = null): Promise<void> {
    const turn = ++this.#opening;
    this.trouble = null;
    try {
      const link = parseLink(url);
      // The guest's names come while the server boots the machine: they are needed from the first step on.
      const [run, guest] = await Promise.all([this.#begin(link, turn), this.#guest ?? Guest.fetch()]);
      this.#guest = guest;
      if (run !== null && turn === this.#opening) this.#show(run, guest, link.moment ?? landing);
    } catch (error) {
      if (turn === this.#opening) this.#fail(troubleOf(error));
    }
  }

  /** What was asked for cannot be had: what is on the stage stays there, and in the address line. */
  #fail(trouble: Trouble): void {
    this.trouble = trouble;
    if (this.isKept && this.#shown !== null) history.replaceState(null, "", this.#shown);
  }

  /** There is a run on the stage, whatever the server does. */
  get isKept(): boolean {
    return this.session !== null && this.session.length > 0;
  }

  /**
   * Starts another run; what is left out stays, as far as the scenario has it. Within a scenario the cursor goes on
   * after the event that corresponds to the one it stood behind.
   */
  async choose(change: Partial<Choice>): Promise<void> {
    const scenario = this.scenarios.find(
      (candidate) => candidate.name === (change.scenario ?? this.choice?.scenario),
    );
    if (scenario === undefined) return;
    const kept = { ...this.choice, ...change };
    const design = designOf(scenario, kept.design ?? null);
    const url = runAddress(new URL(location.href), {
      scenario: scenario.name,
      design: design.name,
      variants: (kept.variants ?? []).filter((variant) => design.variants.includes(variant)),
      fetch: kept.fetch ?? "coherent",
    });
    const landing = scenario === this.scenario ? this.#landing : null;
    history.pushState(null, "", url);
    await this.open(url, landing);
  }

  /** Where the cursor stands, as another run can be asked for it. */
  get #landing(): Landing | null {
    const { session, cursor } = this;
    if (session?.recording === undefined || session.recording === null) return null;
    const isEnd = session.isOver && cursor.moment > 0 && cursor.moment >= session.length;
    return landingAt(session.recording.eventsBefore(cursor.moment), isEnd);
  }

  /** Goes back to this moment and has an interrupt raised there: another run, the same up to here. */
  async inject(what: Injection): Promise<void> {
    const schedule = this.session?.status?.schedule ?? null;
    if (schedule === null || this.scenario === null) return;
    const { moment } = this.cursor;
    await this.play(injected(schedule, moment, what, this.cpu, this.scenario.schedule), moment);
  }

  /** Plays another schedule of the same choice, from its start or at a moment. */
  async play(schedule: string, moment = 0): Promise<void> {
    if (this.choice === null) return;
    const url = momentAddress(new URL(location.href), this.choice, schedule, moment);
    history.pushState(null, "", url);
    await this.open(url);
  }

  /** Plays the run again from its schedule, where the server has forgotten this session. */
  async again(): Promise<void> {
    const schedule = this.session?.status?.schedule ?? null;
    if (schedule === null) await this.choose({});
    else await this.play(schedule, this.cursor.moment);
  }

  /** Asks why a value is what it is; null opens the panel that says how to ask. */
  async ask(question: Question | null): Promise<void> {
    if (question === null || this.session === null) this.why.open();
    else await this.why.ask(this.session.id, question);
  }

  /** Called whenever the run has grown: the moment that was asked for may have come. */
  settle(): void {
    const { session } = this;
    if (this.#wanted === null || session === null) return;
    const moment = this.#wantedIn(session, this.#wanted);
    if (moment === null) return;
    // Whoever has gone somewhere meanwhile is left there.
    if (typeof this.#wanted === "number" || this.cursor.moment === 0) this.cursor.goTo(moment);
    this.#wanted = null;
  }

  /** Where that is; null as long as it may still come. */
  #wantedIn(session: Session, wanted: number | Landing): number | null {
    const { length, isOver } = session;
    // Not "caught up": so is a run that has not begun, or has only just.
    if (typeof wanted === "number") return length >= wanted || isOver ? wanted : null;
    return landed(wanted, { events: session.recording?.events ?? [], length, isOver });
  }

  /** The address of this moment; null while the run has no schedule to name. */
  get momentLink(): string | null {
    const schedule = this.session?.status?.schedule ?? null;
    if (this.choice === null || schedule === null) return null;
    return momentAddress(new URL(location.href), this.choice, schedule, this.cursor.moment).href;
  }

  /** The address of the run to look at next; null while this one goes on. */
  get nextLink(): string | null {
    const next = this.session?.status?.ending?.next;
    if (next === undefined) return null;
    const base = new URL(location.href);
    const { schedule, ...choice } = next;
    return (schedule === "" ? runAddress(base, choice) : momentAddress(base, choice, schedule, 0)).href;
  }

  /** Goes to another run by its address. */
  async visit(address: string): Promise<void> {
    const url = new URL(address);
    history.pushState(null, "", url);
    await this.open(url);
  }

  get sessionLink(): string | null {
    return this.session === null ? null : sessionAddress(new URL(location.href), this.session.id).href;
  }

  /** The run that a link names, made or looked up; null where there is none, and then it is said why. */
  async #begin(link: Link, turn: number): Promise<Run | null> {
    const { scenarios } = await fetchScenarios();
    if (turn !== this.#opening) return null;
    this.scenarios = scenarios;
    if (link.session !== null) return { info: await fetchSession(link.session), opening: null };
    const [first] = scenarios;
    if (first === undefined) {
      this.#fail({ is: "no-scenarios" });
      return null;
    }
    const named =
      link.choice.scenario ?? (scenarios.find(({ name }) => name === FIRST_SCENARIO) ?? first).name;
    const scenario = scenarios.find(({ name }) => name === named);
    if (scenario === undefined) {
      this.#fail({ is: "unknown-scenario", name: named });
      return null;
    }
    const info = await createSession({
      scenario: scenario.name,
      design: link.choice.design ?? scenario.default_design,
      variants: [...link.choice.variants],
      fetch: link.choice.fetch,
      replaces: this.#own,
    });
    this.#own = info.id;
    return { info, opening: link.schedule ?? info.opening };
  }

  #show({ info, opening }: Run, guest: Guest, moment: number | Landing | null): void {
    this.session?.close();
    this.why.close();
    this.cursor.goTo(0);
    this.choice = info.choice;
    this.#wanted = moment;
    this.session = new Session(info.id, guest, opening, info.opening);
    this.#shown = location.href;
  }
}

/** A run that the server has, and the schedule to play it by, where that is for this page to say. */
interface Run {
  readonly info: SessionInfo;
  readonly opening: string | null;
}

/** The one page there is. */
export const app = new App();

/** The design asked for where the scenario has it, else the scenario's own. */
function designOf(scenario: ScenarioInfo, name: string | null): DesignChoice {
  const find = (wanted: string | null): DesignChoice | undefined =>
    scenario.designs.find((design) => design.name === wanted);
  return find(name) ?? find(scenario.default_design) ?? { name: scenario.default_design, variants: [] };
}

function troubleOf(error: unknown): Trouble {
  if (error instanceof Unreachable) return { is: "server-gone" };
  if (error instanceof BadLink) return { is: "bad-link", detail: error.message };
  if (error instanceof ProblemError) {
    return error.code === "unknown-session"
      ? { is: "session-expired" }
      : { is: "refused", detail: error.message };
  }
  return { is: "broken", detail: error instanceof Error ? error.message : String(error) };
}
