/**
 * Everything that is known of a run: its steps, what they were decoded from, what they mean, who was where.
 *
 * It grows by the server's chunks and, apart from that, never changes; views are functions of it and a moment.
 */

import { add, compare, type U64, u64 } from "../../lib/hex";
import { BatchDecoder, type CodeEntry } from "../../wire/batch";
import type { MemoryRange } from "../../wire/frame";
import { FrameError } from "../../wire/reader";
import { REGISTERS } from "../../wire/registers";
import { type Step, Steps } from "../../wire/steps";
import type { Chunk, Finding, Insn, Lane, LensEvent, Registers, Told } from "../../wire/wire.gen";
import { HeldLog, type Holding, type Span } from "./held";
import { Calls, type Flow, flowOf, type Parked } from "./calls";
import type { Guest } from "../guest/guest";
import type { Machine } from "./machine";
import { Sites } from "./sites";
import { Stacks } from "./stack";
import { stackKey } from "../guest/stackArea";
import { Trace } from "./trace";
import { countBefore, Writers } from "./writers";

/** A chain of frame pointers longer than this is not one. */
const MAX_CALLERS = 32;

/** An entry of the code table, with its address as a value. */
export interface Code extends CodeEntry {
  readonly insn: Insn;
  readonly flow: Flow;
}

export class Recording {
  readonly guest: Guest;
  readonly trace: Trace;
  readonly writers = new Writers();
  readonly calls: readonly Calls[];
  readonly stacks: Stacks;
  readonly sites: Sites;
  readonly events: LensEvent[] = [];
  readonly findings: Finding[] = [];
  readonly #held: HeldLog;
  readonly #eventMoments: number[] = [];
  /** What each event is told by. */
  readonly #told: Told[] = [];
  readonly #codes: Code[] = [];
  readonly #lanes: Lane[] = [];
  /** For each CPU the moments of its own steps. */
  readonly #own: number[][];
  readonly #steps = new Steps();
  #decoder: BatchDecoder;

  constructor(guest: Guest, cpus: readonly Registers[], ranges: readonly MemoryRange[]) {
    const files = cpus.map((registers) => REGISTERS.map((name) => u64(registers[name])));
    this.guest = guest;
    this.trace = new Trace(this.#steps, files, ranges);
    this.#decoder = new BatchDecoder(files, this.#steps);
    const parked: Parked = new Map();
    this.calls = files.map(
      (file, cpu) => new Calls(guest.symbols, file, callersOf(this.trace.at(0), cpu, guest), parked),
    );
    this.stacks = new Stacks(guest.symbols, files);
    this.sites = new Sites((address, length) => this.trace.initial(address, length));
    this.#own = files.map(() => []);
    this.#held = new HeldLog(files.length);
  }

  get length(): number {
    return this.trace.length;
  }

  get cpus(): number {
    return this.trace.cpus;
  }

  /** Adds a chunk; raises FrameError or TraceError, and then the run must be read again from its start. */
  append(chunk: Chunk, frame: Uint8Array): void {
    for (const insn of chunk.insns) {
      const [rip, length] = [u64(insn.rip), insn.bytes.length / 2];
      this.#codes[insn.id] = { rip, length, insn, flow: flowOf(insn.text) };
    }
    for (const lane of chunk.lanes) this.#lanes[lane.id] = lane;
    const first = this.length;
    this.#held.append(chunk.held);
    this.#decoder.decode(frame, this.#codes);
    this.trace.extend();
    for (let moment = first; moment < this.length; moment++) this.#follow(this.step(moment));
    // The chunk without steps that tells of the run's end may come again after a reconnection.
    const isTold = (told: readonly object[], next: object): boolean =>
      chunk.count === 0 && told.some((other) => JSON.stringify(other) === JSON.stringify(next));
    for (const [index, event] of chunk.events.entries()) {
      const told = chunk.told[index];
      if (told === undefined) throw new FrameError(`event ${index} of a chunk is not told`);
      if (isTold(this.events, event)) continue;
      this.events.push(event);
      this.#told.push(told);
      this.#eventMoments.push(event.n);
      this.sites.add(event);
    }
    this.findings.push(...chunk.findings.filter((finding) => !isTold(this.findings, finding)));
  }

  /** What is kept of every step besides the step itself. */
  #follow(step: Step): void {
    const { moment, cpu, code, lane } = step;
    if (this.#lanes[lane] === undefined) throw new FrameError(`step ${moment} names lane ${lane}`);
    this.writers.add(this.#steps, moment);
    this.calls[cpu]?.add(step, this.#codes[code]?.flow ?? "other");
    this.stacks.add(step);
    this.#own[cpu]?.push(moment);
  }

  /** Forgets what came from `moment` on: the server's log goes on from there. */
  truncate(moment: number): void {
    if (moment >= this.length) return;
    this.trace.truncate(moment);
    this.writers.truncate(moment);
    this.sites.truncate(moment);
    const machine = this.trace.at(moment);
    const files = Array.from({ length: this.cpus }, (_, cpu) => machine.file(cpu));
    this.#decoder = new BatchDecoder(files, this.#steps);
    this.stacks.truncate(moment, files);
    files.forEach((file, cpu) => {
      this.calls[cpu]?.truncate(moment, file);
      const own = this.#own[cpu] ?? [];
      own.length = countBefore(own, moment);
    });
    this.events.length = countBefore(this.#eventMoments, moment);
    this.#eventMoments.length = this.#told.length = this.events.length;
    this.#held.truncate(moment);
    this.findings.splice(0, this.findings.length, ...this.findings.filter((finding) => finding.n < moment));
  }

  at(moment: number): Machine {
    return this.trace.at(moment);
  }

  step(moment: number): Step {
    return this.trace.step(moment);
  }

  /** The instruction of a step that is not a delivery. */
  code(step: Step): Insn {
    const code = this.#codes[step.code];
    if (code === undefined) throw new RangeError(`step ${step.moment} is no instruction`);
    return code.insn;
  }

  lane(step: Step): Lane {
    const lane = this.#lanes[step.lane];
    if (lane === undefined) throw new RangeError(`step ${step.moment} names lane ${step.lane}`);
    return lane;
  }

  /** Every instruction that was executed, each version of its bytes once. */
  get codes(): readonly Code[] {
    return this.#codes;
  }

  /** The events that the step `moment` raised. */
  eventsOf(moment: number): readonly LensEvent[] {
    return this.events.slice(
      countBefore(this.#eventMoments, moment),
      countBefore(this.#eventMoments, moment + 1),
    );
  }

  /** The events of one step, each with what it is told by. */
  toldOf(moment: number): readonly { readonly event: LensEvent; readonly told: Told }[] {
    const first = countBefore(this.#eventMoments, moment);
    return this.eventsOf(moment).flatMap((event, index) => {
      const told = this.#told[first + index];
      return told === undefined ? [] : [{ event, told }];
    });
  }

  /** The events of all steps before `moment`. */
  eventsBefore(moment: number): readonly LensEvent[] {
    return this.events.slice(0, countBefore(this.#eventMoments, moment));
  }

  /** The findings to tell at `moment`: those of the step just made, and, at the end, those of the run as a whole. */
  findingsOf(moment: number): readonly Finding[] {
    return this.findings.filter(
      (finding) => finding.n === moment - 1 || (finding.n >= this.length && moment === this.length),
    );
  }

  /** The newest event before `moment` that `matches`, or null. */
  lastEvent<T extends LensEvent>(moment: number, matches: (event: LensEvent) => event is T): T | null;
  lastEvent(moment: number, matches: (event: LensEvent) => boolean): LensEvent | null;
  lastEvent(moment: number, matches: (event: LensEvent) => boolean): LensEvent | null {
    for (let index = countBefore(this.#eventMoments, moment) - 1; index >= 0; index--) {
      const event = this.events[index];
      if (event !== undefined && matches(event)) return event;
    }
    return null;
  }

  /** The first event from the step `moment` on that `matches`, or null. */
  nextEvent(moment: number, matches: (event: LensEvent) => boolean): LensEvent | null {
    for (let index = countBefore(this.#eventMoments, moment); index < this.events.length; index++) {
      const event = this.events[index];
      if (event !== undefined && matches(event)) return event;
    }
    return null;
  }

  /** What a CPU holds back at a moment: NMIs blocked or not, what is pending, and what each of that waits for. */
  held(moment: number, cpu: number): Holding {
    return this.#held.at(moment, cpu);
  }

  /** From when to when something was raised at a CPU and not taken. */
  pendingSpans(cpu: number): Span[] {
    return this.#held.spans(cpu, this.length);
  }

  /** The moments of a CPU's own steps. */
  momentsOf(cpu: number): readonly number[] {
    return this.#own[cpu] ?? [];
  }

  /** The last step of `cpu` before `moment`, and its next one from `moment` on. */
  around(cpu: number, moment: number): { readonly last: Step | null; readonly next: Step | null } {
    const own = this.#own[cpu] ?? [];
    const index = countBefore(own, moment);
    const [last, next] = [own[index - 1], own[index]];
    return {
      last: last === undefined ? null : this.step(last),
      next: next === undefined ? null : this.step(next),
    };
  }
}

/** The functions that a CPU is in at moment 0, outermost first: its own, and those that the frame pointers lead to. */
function callersOf(machine: Machine, cpu: number, guest: Guest): string[] {
  const names: string[] = [];
  const rip = guest.symbols.owner(machine.register(cpu, "rip"));
  if (rip !== null) names.push(rip);
  let frame: U64 = machine.register(cpu, "rbp");
  const stack = stackKey(guest.symbols, machine.register(cpu, "rsp"));
  while (names.length < MAX_CALLERS && stackKey(guest.symbols, frame) === stack) {
    const caller = guest.symbols.owner(machine.memory.u64(add(frame, 8)));
    if (caller === null) break;
    names.push(caller);
    const next = machine.memory.u64(frame);
    if (compare(next, frame) <= 0) break;
    frame = next;
  }
  return names.reverse();
}
