/** The ways in which a run leaves: files that the server makes of a session. */

import { fetchSession, tracePath } from "../wire/rest";
import { type Failure, failureOf } from "./failure";

export type ExportName = "jsonl" | "perfetto" | "tenet";

/** One file to have. `variant` tells several of one kind apart: a CPU. */
export interface ExportFile {
  readonly variant: { readonly cpu: number } | null;
  readonly path: string;
}

export interface Export {
  readonly name: ExportName;
  readonly files: readonly ExportFile[];
}

/** What can be had of the session. */
export function exportsOf(session: string, cpus: number): Export[] {
  const sides = Array.from({ length: cpus }, (_, cpu) => cpu);
  return [
    { name: "perfetto", files: [{ variant: null, path: tracePath(session, "perfetto") }] },
    { name: "jsonl", files: [{ variant: null, path: tracePath(session, "jsonl") }] },
    {
      name: "tenet",
      files: sides.map((cpu) => ({
        variant: cpus === 1 ? null : { cpu },
        path: tracePath(session, "tenet", cpu),
      })),
    },
  ];
}

/** Whether the server still has the session to make files of; null where it has. */
export async function missing(session: string): Promise<Failure | null> {
  try {
    await fetchSession(session);
    return null;
  } catch (error) {
    return failureOf(error);
  }
}
