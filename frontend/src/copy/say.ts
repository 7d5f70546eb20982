/** Messages of the copy with what goes into them: the same files as the backend reads (decision 8). */

import { FluentBundle, FluentResource } from "@fluent/bundle";
import { LANGUAGE, PLACES, STORY } from "./copy.gen";
import type { Passage } from "./patch";

const bundle = new FluentBundle(LANGUAGE, { useIsolating: false });
bundle.addResource(new FluentResource(STORY));

/** The message; raises where there is none, or where something that goes into it is missing. */
export function say(id: string, args: Readonly<Record<string, string | number>> = {}): string {
  const pattern = bundle.getMessage(id)?.value;
  if (pattern === undefined || pattern === null) throw new Error(`the copy has no message ${id}`);
  return bundle.formatPattern(pattern, { ...args });
}

/** What is said of it while it plays; the message itself where it is short enough. */
export function sayBriefly(id: string, args: Readonly<Record<string, string | number>> = {}): string {
  const brief = bundle.getMessage(id)?.attributes["brief"];
  return brief === undefined ? say(id, args) : bundle.formatPattern(brief, { ...args });
}

const NOTES = PLACES.notes.map((note) => ({
  in: new RegExp(note.in),
  insn: new RegExp(note.insn),
  says: note.says,
}));

/** The message of an instruction that deserves one of its own, or of its function; null where there is none. */
export function ofPlace(name: string, insn: string): string | null {
  const note = NOTES.find((candidate) => candidate.in.test(name) && candidate.insn.test(insn));
  if (note !== undefined) return note.says;
  return bundle.hasMessage(`role-${name}`) ? `role-${name}` : null;
}

/** The passage of the patch that a function shows. */
export const passageOfPlace = (name: string): Passage | null =>
  (PLACES.passages as Readonly<Record<string, Passage>>)[name] ?? null;
