/** The page's keys. They work wherever the focus is, except where text is typed or a control needs the key itself. */

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
  readonly cancel: () => void;
  readonly inject: (what: Injection) => void;
}

/** Whether the key meant something. */
export function handleKey(event: KeyboardEvent, cursor: Cursor, actions: Actions): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return false;
  const isOnButton = event.target instanceof HTMLElement && event.target.closest("button, summary") !== null;
  const isOnChoice = event.target instanceof HTMLElement && event.target.closest("select, input") !== null;
  switch (event.key) {
    case "ArrowRight":
    case "ArrowLeft":
      if (isOnChoice) return false;
      cursor.stride(event.key === "ArrowRight" ? 1 : -1, event.shiftKey ? "event" : cursor.granularity);
      return true;
    case "Home":
      cursor.restart();
      return true;
    case "End":
      cursor.end();
      return true;
    case " ":
      if (isOnButton || isOnChoice) return false;
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

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.matches("textarea, input:not([type=radio], [type=checkbox])") || target.closest("dialog") !== null
  );
}
