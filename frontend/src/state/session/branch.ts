/**
 * Going back and choosing otherwise: the schedule of a run up to a moment, with something else from there on.
 *
 * Works on canonical schedules only (protocol.md): `K*N`, injections and fetch tokens.
 */

export type Injection = "irq" | "nmi" | "mce";

/** The canonical schedule's part before `moment`: what was injected at that very moment stays in. */
export function prefix(schedule: string, moment: number): string {
  const kept: string[] = [];
  let left = moment;
  for (const token of schedule.split(" ").filter((text) => text !== "")) {
    const run = /^(\d+)\*(\d+)$/.exec(token);
    if (run === null) {
      kept.push(token);
      continue;
    }
    if (left === 0) break;
    const steps = Number(run[2]);
    kept.push(`${run[1] ?? ""}*${Math.min(left, steps)}`);
    if (steps > left) break;
    left -= steps;
  }
  return kept.join(" ");
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
