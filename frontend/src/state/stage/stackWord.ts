/** A word on a stack, and what it is there for. */

import type { U64 } from "../../lib/hex";
import type { Step } from "../../wire/steps";
import type { FrameWord } from "./frames";

/** What a word on a stack is. */
export type WordKind =
  | { readonly is: "frame"; readonly frame: number; readonly word: FrameWord; readonly pushed: U64 }
  | { readonly is: "error-code" }
  | { readonly is: "alignment" }
  | { readonly is: "register"; readonly member: string }
  | { readonly is: "return"; readonly into: string | null; readonly callee: string }
  | { readonly is: "saved"; readonly register: string; readonly by: string }
  | { readonly is: "room"; readonly by: string }
  | { readonly is: "local"; readonly by: string }
  | { readonly is: "gap" }
  | { readonly is: "emulated"; readonly into: string; readonly by: string }
  | { readonly is: "older"; readonly into: string | null };

export interface StackWord {
  readonly key: string;
  readonly address: U64;
  readonly value: U64;
  readonly kind: WordKind;
  /** The step that stored to it last; null where that was before the recording. */
  readonly writer: Step | null;
  /** Whether the step just made stored to it. */
  readonly isNew: boolean;
}
