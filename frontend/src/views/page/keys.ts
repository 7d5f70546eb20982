/**
 * The page's keys: the cursor has them wherever the focus is, unless a text field or an open list does.
 *
 * ↑ and ↓ choose where a choice has the focus; ← and → never do, or the arrow after a choice would choose anew and
 * start another run. The space bar presses what was reached by Tab, and plays where the focus is only where the pointer left it.
 */

import { GRANULARITIES } from "../../state/timeline/beats";
import type { Injection } from "../../state/session/branch";
import { type Cursor, SPEEDS } from "../../state/timeline/cursor.svelte";

export interface Actions {
  readonly help: () => void;
  readonly share: () => void;
  readonly export: () => void;
  readonly goTo: () => void;
  readonly why: () => void;
  readonly theme: () => void;
  readonly edit: () => void;
  readonly registers: () => void;
  readonly cancel: () => void;
  readonly inject: (what: Injection) => void;
}

/** How the focus got where it is: by the pointer, or by the keyboard. */
let isPointed = false;

export function pointed(): void {
  isPointed = true;
}

/** Whether the key meant something. */
export function handleKey(event: KeyboardEvent, cursor: Cursor, actions: Actions): boolean {
  if (event.key === "Tab") isPointed = false;
  if (event.ctrlKey || event.metaKey || event.altKey || isTaken(event.target)) return false;
  switch (event.key) {
    case "ArrowRight":
    case "ArrowLeft":
      cursor.stride(event.key === "ArrowRight" ? 1 : -1, event.shiftKey ? "event" : cursor.granularity);
      return true;
    case "Home":
      cursor.restart();
      return true;
    case "End":
      cursor.end();
      return true;
    case " ":
      if (!isPointed && isPressed(event.target)) return false;
      cursor.toggle();
      return true;
    case "+":
    case "=":
    case "-":
      cursor.speed = SPEEDS[SPEEDS.indexOf(cursor.speed) + (event.key === "-" ? -1 : 1)] ?? cursor.speed;
      return true;
    case "i":
      actions.inject("irq");
      return true;
    case "n":
      actions.inject("nmi");
      return true;
    case "m":
      actions.inject("mce");
      return true;
    case "c":
      actions.cancel();
      return true;
    case "e":
      actions.edit();
      return true;
    case "r":
      actions.registers();
      return true;
    case "w":
      actions.why();
      return true;
    case "g":
      actions.goTo();
      return true;
    case "s":
      actions.share();
      return true;
    case "x":
      actions.export();
      return true;
    case "t":
      actions.theme();
      return true;
    case "?":
      actions.help();
      return true;
    default: {
      const granularity = GRANULARITIES[Number(event.key) - 1];
      if (granularity === undefined) return false;
      cursor.granularity = granularity;
      return true;
    }
  }
}

/** Text is typed there, or the list is open that it belongs to. */
function isTaken(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.matches("textarea, input:not([type=radio], [type=checkbox])") ||
    target.closest("dialog, details[open]") !== null ||
    (target.matches("select") && isOpen(target))
  );
}

/** Browsers without `:open` hand the page no keys while a list is open. */
function isOpen(list: HTMLElement): boolean {
  return CSS.supports("selector(:open)") && list.matches(":open");
}

/** The space bar is how the keyboard presses it. */
function isPressed(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("button, summary, select") !== null;
}
