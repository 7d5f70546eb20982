/**
 * Which value of the stage is pointed at, focused or tapped: every element that carries `data-at` and `data-size` is one.
 *
 * One set of listeners on the stage serves all of them, so that a value costs nothing while the cursor moves.
 */

import { type U64, u64 } from "../../lib/hex";

/** A value that can be asked about: bytes of the guest's memory. */
export interface Subject {
  readonly address: U64;
  readonly size: number;
  /** What the page calls it. */
  readonly name: string;
  readonly element: HTMLElement;
}

/** Where the card about a value goes: beside the value as it stood when it was pointed at. */
export interface Spot {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const HOVER = 350; // ms of rest before a card opens
const LEAVE = 160; // ms to get from the value to its card

export class Inspector {
  /** The value whose card is open. */
  subject = $state.raw<Subject | null>(null);
  spot = $state.raw<Spot>({ left: 0, right: 0, top: 0, bottom: 0 });
  #root: HTMLElement | null = null;
  #pointed: Subject | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #go: (subject: Subject) => void;

  /** `go` is called where a value is clicked, or Enter pressed on it. */
  constructor(go: (subject: Subject) => void) {
    this.#go = go;
  }

  /** The value that has the focus, else the one pointed at, else one that the step just made has written. */
  get current(): Subject | null {
    return (
      subjectOf(document.activeElement) ??
      this.subject ??
      this.#pointed ??
      subjectOf(this.#root?.querySelector(".new[data-at], .new [data-at]") ?? null)
    );
  }

  /** Gives the focus to the value that lies at `address`, if it is still shown. */
  focus(address: string): void {
    this.#root?.querySelector<HTMLElement>(`[data-at="${CSS.escape(address)}"]`)?.focus();
  }

  /** Listens to everything below `root`; returns how to stop. */
  watch(root: HTMLElement): () => void {
    this.#root = root;
    const aborter = new AbortController();
    const on = <K extends keyof HTMLElementEventMap>(
      type: K,
      listener: (event: HTMLElementEventMap[K]) => void,
    ): void => {
      root.addEventListener(type, listener, { signal: aborter.signal });
    };
    on("pointerover", (event) => {
      if (event.pointerType !== "touch") this.#point(subjectOf(event.target));
    });
    on("pointerleave", () => {
      this.#point(null);
    });
    on("focusin", (event) => {
      const subject = subjectOf(event.target);
      if (subject?.element.matches(":focus-visible") === true) this.#open(subject);
      else if (this.subject !== null && subject === null) this.close();
    });
    on("click", (event) => {
      const subject = subjectOf(event.target);
      if (subject === null) return;
      // A finger cannot hover: its first tap opens the card, whose buttons lead on.
      if ("pointerType" in event && event.pointerType === "touch") this.#open(subject);
      else this.#go(subject);
    });
    return () => {
      aborter.abort();
      clearTimeout(this.#timer);
    };
  }

  close(): void {
    clearTimeout(this.#timer);
    this.subject?.element.removeAttribute("aria-describedby");
    this.subject = null;
  }

  /** The pointer is on the card: it stays. */
  hold(): void {
    clearTimeout(this.#timer);
  }

  release(): void {
    this.#point(null);
  }

  #point(subject: Subject | null): void {
    if (subject?.element === this.#pointed?.element && subject !== null) return;
    this.#pointed = subject;
    clearTimeout(this.#timer);
    const isOpen = this.subject !== null;
    if (subject === null && !isOpen) return;
    this.#timer = setTimeout(
      () => {
        if (subject !== null) this.#open(subject);
        else if (subjectOf(document.activeElement) === null) this.close();
      },
      subject === null ? LEAVE : HOVER,
    );
  }

  #open(subject: Subject): void {
    this.close();
    if (!subject.element.isConnected) return;
    const { left, right, top, bottom } = subject.element.getBoundingClientRect();
    this.spot = { left, right, top, bottom };
    this.subject = subject;
    subject.element.setAttribute("aria-describedby", "value-card");
  }
}

function subjectOf(target: EventTarget | null): Subject | null {
  const element = target instanceof Element ? target.closest<HTMLElement>("[data-at]") : null;
  const { at, size, name } = element?.dataset ?? {};
  if (element === null || at === undefined) return null;
  return { address: u64(at), size: Number(size), name: name ?? "", element };
}
