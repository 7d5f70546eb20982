/** The ways in which a run, or a moment of it, leaves: files that the server makes of a session. */

import { fetchSession, figurePath, tracePath } from "../../wire/rest";
import { type Failure, failureOf } from "./failure";

export type ExportName = "jsonl" | "perfetto" | "tenet" | "figure";

/** One file to have. `variant` tells several of one kind apart: a CPU, a theme. */
export interface ExportFile {
  readonly variant: { readonly cpu: number } | { readonly theme: "light" | "dark" } | null;
  readonly path: string;
}

export interface Export {
  readonly name: ExportName;
  readonly files: readonly ExportFile[];
}

/** What is shown of a session, and how many CPUs it has. */
export interface Shown {
  readonly session: string;
  readonly cpus: number;
  readonly moment: number;
  readonly cpu: number;
}

/** What can be had of it. */
export function exportsOf({ session, cpus, moment, cpu: shown }: Shown): Export[] {
  const sides = Array.from({ length: cpus }, (_, cpu) => cpu);
  return [
    {
      name: "figure",
      files: (["light", "dark"] as const).map((theme) => ({
        variant: { theme },
        path: figurePath(session, moment, shown, theme),
      })),
    },
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
