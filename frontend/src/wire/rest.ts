/** The REST calls that the page makes. A refusal is thrown as a `ProblemError` with the server's own words. */

import type {
  CreateSession,
  GuestInfo,
  GuestText,
  Problem,
  ProblemCode,
  ScenarioList,
  SessionInfo,
  StructInfo,
  SymbolList,
  Why,
} from "./wire.gen";

export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly code: ProblemCode;
  readonly status: number;

  constructor(problem: Pick<Problem, "code" | "status" | "detail">) {
    super(problem.detail);
    this.code = problem.code;
    this.status = problem.status;
  }
}

/** No answer at all: the server is gone, or the network is. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    throw new Unreachable(error instanceof Error ? error.message : String(error));
  }
  if (response.ok) return (await response.json()) as T;
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith("application/problem+json")) throw new ProblemError((await response.json()) as Problem);
  if (response.status >= 502 && response.status <= 504) throw new Unreachable(`status ${response.status}`);
  throw new ProblemError({
    code: "internal",
    status: response.status,
    detail: `${path}: status ${response.status}`,
  });
}

export const fetchScenarios = (): Promise<ScenarioList> => ask("/api/scenarios");
export const fetchGuest = (): Promise<GuestInfo> => ask("/api/guest");
export const fetchSymbols = (): Promise<SymbolList> => ask("/api/guest/symbols");
export const fetchStruct = (name: string): Promise<StructInfo> =>
  ask(`/api/guest/structs/${encodeURIComponent(name)}`);
/** The text of functions and source files, as far as the guest has them. */
export const fetchText = (symbols: readonly string[], sources: readonly string[]): Promise<GuestText> => {
  const names = [...symbols.map((name) => ["symbol", name]), ...sources.map((path) => ["source", path])];
  return ask(`/api/guest/text?${new URLSearchParams(names).toString()}`);
};
export const fetchSession = (id: string): Promise<SessionInfo> =>
  ask(`/api/sessions/${encodeURIComponent(id)}`);

const sessionPath = (id: string, what: string, query: Record<string, string>): string =>
  `/api/sessions/${encodeURIComponent(id)}/${what}?${new URLSearchParams(query).toString()}`;

/** `target` is a place as text (an address and a length: "0xffffffff81002000+8"), `at` a moment. */
export const fetchWhy = (id: string, target: string, at: number): Promise<Why> =>
  ask(sessionPath(id, "why", { target, at: String(at) }));

/** Where a session's trace is to be had as a file; `cpu` says whose side, for a format that has one CPU only. */
export const tracePath = (id: string, format: string, cpu: number | null = null): string =>
  sessionPath(id, "trace", cpu === null ? { format } : { format, cpu: String(cpu) });

/** Where the figure of a moment is to be had, as SVG; `cpu` says whose code and stack. */
export const figurePath = (id: string, at: number, cpu: number, theme: "light" | "dark"): string =>
  sessionPath(id, "figure", { at: String(at), cpu: String(cpu), theme });

export const createSession = (choice: CreateSession): Promise<SessionInfo> =>
  ask("/api/sessions", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(choice),
  });
