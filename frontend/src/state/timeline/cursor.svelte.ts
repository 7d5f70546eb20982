/**
 * The moment someone looks at, and how it moves: by strides, by playing, by going there.
 *
 * `jump` says how the last move was made; only a single stride forwards or backwards is a motion worth drawing.
 */

import { type Granularity, isBeat, nextBeat, stride } from "./beats";
import { microLength } from "../stage/micro";
import { type Stay, stays } from "./pace";
import type { Recording } from "../run/recording";
import type { Told } from "../../wire/wire.gen";

export const SPEEDS = [0.25, 0.5, 1, 2, 4] as const;
export type Speed = (typeof SPEEDS)[number];

/** What playing does at a beat. */
export const AT_BEATS = ["linger", "stop", "go on"] as const;
export type AtBeats = (typeof AT_BEATS)[number];

const PLAIN_STEP = 60; // ms, at most, for a step between two stays
const STRETCH = 450; // ms that all steps up to the next stay take together
const FRAME = 16; // ms: faster than this, several steps go into one frame

/** `forward`: the step before the moment was just made; `back`: the step at the moment was just undone. */
export type Move = "forward" | "back" | "jump";

export class Cursor {
  moment = $state(0);
  /** How many words of the step at `moment` have been moved already: between two moments, not a moment. */
  micro = $state(0);
  move = $state<Move>("jump");
  granularity = $state<Granularity>("instruction");
  speed = $state<Speed>(1);
  atBeats = $state<AtBeats>("linger");
  isPlaying = $state(false);
  /** How long, in ms, the moment will be looked at before playing goes on; unlimited while nothing plays. */
  dwell = $state(Infinity);
  /** The moment whose sentence stands, while it plays and stays to be read; null else. */
  stay = $state<number | null>(null);
  /** How many characters the sentence of an event has, for those who read it. */
  lengthOf: (told: Told) => number = () => 60;
  #stays: { readonly of: Recording; readonly events: number; readonly at: readonly Stay[] } | null = null;
  readonly #recording: () => Recording | null;
  readonly #isGrowing: () => boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `isGrowing` says whether more steps are still to come: then playing waits for them at the end. */
  constructor(recording: () => Recording | null, isGrowing = (): boolean => false) {
    this.#recording = recording;
    this.#isGrowing = isGrowing;
  }

  /** Goes to `moment`, as far as there is one. */
  goTo(moment: number): void {
    this.pause();
    this.#move(moment, "jump");
  }

  /** One stride at the chosen granularity, or at another. Returns whether there was anywhere to go. */
  stride(direction: 1 | -1, granularity: Granularity = this.granularity): boolean {
    this.pause();
    return this.#stride(direction, granularity);
  }

  restart(): void {
    this.goTo(0);
  }

  end(): void {
    this.goTo(this.#recording()?.length ?? 0);
  }

  toggle(): void {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  play(): void {
    const recording = this.#recording();
    if (recording === null || recording.length === 0) return;
    if (this.moment >= recording.length) this.#move(0, "jump");
    this.isPlaying = true;
    this.stay = this.atBeats === "linger" ? this.moment : null;
    this.#schedule();
  }

  pause(): void {
    clearTimeout(this.#timer);
    this.isPlaying = false;
    this.stay = null;
    this.dwell = Infinity;
  }

  #schedule(): void {
    const recording = this.#recording();
    if (recording === null) return;
    const stays = this.atBeats === "linger" ? this.#staysOf(recording) : [];
    const here = stays.find(({ moment }) => moment === this.moment);
    const next =
      this.atBeats === "linger" ? stays.find(({ moment }) => moment > this.moment)?.moment : undefined;
    const to = next ?? (this.atBeats === "linger" ? recording.length : nextBeat(recording, this.moment));
    const left = to - this.moment;
    const plain = Math.min(PLAIN_STEP, STRETCH / Math.max(left, 1)) / this.speed;
    const wait = here === undefined ? plain : here.reading / this.speed;
    if (here !== undefined) this.stay = here.moment;
    this.dwell = wait;
    // As many steps as the time is worth that has passed: a page that draws slowly does not make the walk longer.
    const since = performance.now() + Math.max(wait, FRAME) - FRAME;
    this.#timer = setTimeout(
      () => {
        const steps = Math.round((performance.now() - since) / plain);
        this.#tick(Math.min(left, Math.max(1, steps)));
      },
      Math.max(wait, FRAME),
    );
  }

  /** Made anew only when the run has grown. */
  #staysOf(recording: Recording): readonly Stay[] {
    const events = recording.events.length;
    if (this.#stays?.of !== recording || this.#stays.events !== events)
      this.#stays = { of: recording, events, at: stays(recording, this.lengthOf) };
    return this.#stays.at;
  }

  #tick(steps: number): void {
    const recording = this.#recording();
    if (recording === null) {
      this.pause();
      return;
    }
    this.#move(this.moment + steps, "forward");
    const isOver = this.moment >= recording.length && !this.#isGrowing();
    const isAtBeat = recording.eventsOf(this.moment - 1).some(isBeat);
    if (isOver || (isAtBeat && this.atBeats === "stop")) this.pause();
    else this.#schedule();
  }

  #stride(direction: 1 | -1, granularity: Granularity): boolean {
    const recording = this.#recording();
    if (recording === null) return false;
    if (granularity === "micro-step") return this.#microStride(recording, direction);
    const start = direction < 0 && this.micro > 0 ? this.moment + 1 : this.moment;
    const target = stride(recording, start, granularity, direction);
    if (target === this.moment && this.micro === 0) return false;
    this.#move(target, direction > 0 ? "forward" : "back");
    return true;
  }

  /** One word of a delivery or of an iretq; a whole step, where there is nothing to divide. */
  #microStride(recording: Recording, direction: 1 | -1): boolean {
    const micro = this.micro + direction;
    if (micro > 0 && micro < microLength(recording, this.moment)) {
      this.micro = micro;
      this.move = "jump";
      return true;
    }
    const target = micro === 0 ? this.moment : stride(recording, this.moment, "micro-step", direction);
    if (target === this.moment && micro !== 0) return false;
    const isWhole = this.micro === 0;
    this.#move(target, isWhole && direction > 0 ? "forward" : "jump");
    if (direction < 0 && isWhole) this.micro = microLength(recording, target) - 1;
    return true;
  }

  #move(moment: number, move: Move): void {
    const length = this.#recording()?.length ?? 0;
    this.moment = Math.min(Math.max(Math.round(moment), 0), length);
    this.micro = 0;
    this.move = move;
  }
}
