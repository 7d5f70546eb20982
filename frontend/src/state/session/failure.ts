/** Why the server did not answer a question about a session. */

import { ProblemError, Unreachable } from "../../wire/rest";

export type Failure =
  | { readonly is: "server-gone" }
  | { readonly is: "session-expired" }
  | { readonly is: "refused"; readonly detail: string };

export function failureOf(error: unknown): Failure {
  if (error instanceof Unreachable) return { is: "server-gone" };
  if (error instanceof ProblemError && error.code === "unknown-session") return { is: "session-expired" };
  return { is: "refused", detail: error instanceof Error ? error.message : String(error) };
}
