/**
 * Going back and choosing otherwise: the schedule of a run up to a moment, with something else from there on.
 *
 * Works on canonical schedules only: `K*N`, injections, fetch tokens, and pieces that repeat, `(TOKENS)*N`.
 */

export type Injection = "irq" | "nmi" | "mce";

/** A piece of a schedule: one token, or several that are played so many times. */
interface Piece {
  readonly tokens: readonly string[];
  readonly times: number;
}

/** The canonical schedule's part before `moment`: what was injected at that very moment stays in. */
export function prefix(schedule: string, moment: number): string {
  const kept: string[] = [];
  let left = moment;
  /** Keeps the token, or as much of it as lies before the moment; false once the moment is reached. */
  const keep = (token: string): boolean => {
    const run = /^(\d+)\*(\d+)$/.exec(token);
    if (run === null) {
      kept.push(token);
      return true;
    }
    if (left === 0) return false;
    const steps = Math.min(left, Number(run[2]));
    kept.push(`${run[1] ?? ""}*${steps}`);
    left -= steps;
    return steps === Number(run[2]);
  };
  for (const { tokens, times } of pieces(schedule)) {
    const steps = tokens.reduce((sum, token) => sum + stepsOf(token), 0);
    // Whole repetitions stay folded; the one that the moment lies in is written out.
    const whole = times === 1 || steps === 0 ? 0 : Math.min(times, Math.floor(left / steps));
    if (whole > 0) {
      kept.push(whole === 1 ? tokens.join(" ") : `(${tokens.join(" ")})*${whole}`);
      left -= whole * steps;
    }
    if (whole < times && !tokens.every(keep)) break;
  }
  return kept.join(" ");
}

function pieces(schedule: string): Piece[] {
  return [...schedule.matchAll(/\(([^()]*)\)\*(\d+)(?!\S)|\S+/g)].map((match) => ({
    tokens: (match[1] ?? match[0]).split(/\s+/).filter((token) => token !== ""),
    times: Number(match[2] ?? 1),
  }));
}

function stepsOf(token: string): number {
  return Number(/^\d+\*(\d+)$/.exec(token)?.[1] ?? 0);
}

/** How the run goes on after a branch: as the scenario's own schedule ends, to the end of the scenario. */
export function tail(scenarioSchedule: string): string {
  const last = scenarioSchedule.split(" ").at(-1) ?? "";
  return /^(rr\*\d+|\d+>\.)$/.test(last) ? last : "0>.";
}

/** The run that is the same up to `moment`, takes an interrupt there, and goes on by itself. */
export function injected(
  schedule: string,
  moment: number,
  what: Injection,
  cpu: number,
  scenarioSchedule: string,
): string {
  return [prefix(schedule, moment), `${what}@${cpu}`, tail(scenarioSchedule)]
    .filter((part) => part !== "")
    .join(" ");
}
