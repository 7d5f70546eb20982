/**
 * Draws the way from one moment to the next over a page that already shows the next.
 *
 * Everything here is an overlay or a running animation: dropped at any time, it leaves the moment as it is. That is why the same moment
 * looks the same however it was reached.
 */

import type { Anchor, Motion } from "../../state/stage/motion";

interface Seen {
  readonly element: HTMLElement;
  readonly rect: DOMRect;
}

/** Something as it stood before the page showed the next moment, with what it said then: the page reuses its elements. */
interface Stood extends Seen {
  readonly copy: HTMLElement;
}

const EASE = "cubic-bezier(0.3, 0.1, 0.2, 1)";
const TRAVEL = 620; // ms
const LAY = 240; // ms
const BEAT = 110; // ms between two words
const FLIP = 380; // ms

export class Choreographer {
  #before = new Map<Anchor, Stood>();
  #running: Animation[] = [];
  #overlay: HTMLElement[] = [];

  /** Remembers where everything stands, before the page shows the next moment. */
  capture(root: HTMLElement): void {
    this.settle();
    this.#before = new Map();
    for (const [anchor, seen] of seenIn(root)) {
      this.#before.set(anchor, { ...seen, copy: seen.element.cloneNode(true) as HTMLElement });
    }
  }

  play(root: HTMLElement, layer: HTMLElement, motions: readonly Motion[]): void {
    if (motions.length === 0) return;
    const now = new Map(seenIn(root));
    for (const motion of motions) this.#play(motion, now, layer);
  }

  /** Whatever still moves is where it belongs. */
  settle(): void {
    for (const animation of this.#running) animation.cancel();
    for (const element of this.#overlay) element.remove();
    this.#running = [];
    this.#overlay = [];
  }

  #play(motion: Motion, now: ReadonlyMap<Anchor, Seen>, layer: HTMLElement): void {
    switch (motion.is) {
      case "travel":
        this.#travel(motion, now, layer);
        return;
      case "laid": {
        const row = rowOf(now.get(motion.at)?.element);
        const from = { opacity: 0, transform: "translateY(-10px)" };
        this.#run(row, [from, {}], { duration: LAY, delay: motion.order * BEAT, fill: "backwards" });
        return;
      }
      case "taken": {
        // Where another word lies now, the old one is not taken away but replaced.
        const old = this.#before.get(motion.at);
        if (old === undefined || now.has(motion.at)) return;
        const ghost = this.#ghost(old, layer);
        const to = { opacity: 0, transform: "translateX(-28px)" };
        this.#run(ghost, [{}, to], { duration: LAY, delay: motion.order * (BEAT / 2), fill: "both" });
        return;
      }
      case "flip":
        this.#run(
          now.get(motion.at)?.element,
          [{ transform: "rotateX(-90deg)" }, { transform: "rotateX(0)" }],
          { duration: FLIP },
        );
        return;
      case "count": {
        const [old, next] = [this.#before.get(motion.at), now.get(motion.at)];
        if (old === undefined || next === undefined) return;
        this.#run(this.#ghost(old, layer), [{}, { opacity: 0, transform: "translateY(-14px)" }], {
          duration: LAY,
          fill: "both",
        });
        this.#run(next.element, [{ opacity: 0, transform: "translateY(14px)" }, {}], { duration: LAY });
        return;
      }
    }
  }

  #travel(motion: Motion & { is: "travel" }, now: ReadonlyMap<Anchor, Seen>, layer: HTMLElement): void {
    const source = motion.from.map((anchor) => this.#before.get(anchor) ?? now.get(anchor)).find(isInSight);
    const target = now.get(motion.to) ?? this.#before.get(motion.to);
    if (source === undefined || target === undefined) return;
    const chip = document.createElement("span");
    chip.className = "flight mono";
    chip.textContent = motion.text;
    layer.append(chip);
    this.#overlay.push(chip);
    const offset = target.element.dataset["slot"] === undefined ? 8 : 84;
    const at = (rect: DOMRect, inset: number): string =>
      `translate(${rect.left + inset}px, ${rect.top + rect.height / 2 - chip.offsetHeight / 2}px)`;
    this.#run(
      chip,
      [
        { opacity: 0, transform: at(source.rect, 8) },
        { opacity: 1, offset: 0.15 },
        { opacity: 1, offset: 0.85 },
        { opacity: 0, transform: at(target.rect, offset) },
      ],
      { duration: TRAVEL, easing: EASE, fill: "both" },
    );
    // The value is not there before it has arrived.
    const value = target.element.querySelector(".value");
    if (value instanceof HTMLElement) {
      this.#run(value, [{ opacity: 0 }, { opacity: 0, offset: 0.85 }, { opacity: 1 }], { duration: TRAVEL });
    }
  }

  /** What is gone from the page, where it was. */
  #ghost(stood: Stood, layer: HTMLElement): HTMLElement {
    const ghost = stood.copy;
    for (const attribute of [...ghost.attributes]) {
      if (attribute.name.startsWith("data-") || attribute.name.startsWith("aria-")) {
        ghost.removeAttribute(attribute.name);
      }
    }
    ghost.classList.add("ghost");
    ghost.style.left = `${stood.rect.left}px`;
    ghost.style.top = `${stood.rect.top}px`;
    ghost.style.width = `${stood.rect.width}px`;
    ghost.style.height = `${stood.rect.height}px`;
    layer.append(ghost);
    this.#overlay.push(ghost);
    return ghost;
  }

  #run(
    element: HTMLElement | null | undefined,
    keyframes: Keyframe[],
    options: KeyframeAnimationOptions,
  ): void {
    if (element === null || element === undefined) return;
    const animation = element.animate(keyframes, { easing: EASE, ...options });
    this.#running.push(animation);
    animation.addEventListener("finish", () => {
      this.#running = this.#running.filter((other) => other !== animation);
      if (!this.#overlay.includes(element)) return;
      this.#overlay = this.#overlay.filter((other) => other !== element);
      element.remove();
    });
  }
}

function* seenIn(root: HTMLElement): Generator<[Anchor, Seen]> {
  for (const element of root.querySelectorAll<HTMLElement>("[data-anchor]")) {
    const rect = element.getBoundingClientRect();
    for (const anchor of (element.dataset["anchor"] ?? "").split(" ")) yield [anchor, { element, rect }];
  }
}

function isInSight(seen: Seen | undefined): seen is Seen {
  return seen !== undefined && seen.rect.width > 0 && seen.rect.bottom > 0 && seen.rect.top < innerHeight;
}

/** A word comes with its whole row: address, cell, and what is said beside it. */
function rowOf(element: HTMLElement | undefined): HTMLElement | undefined {
  return element?.closest<HTMLElement>(".row") ?? element;
}
