/**
 * Every English sentence of the page. Text between backticks is set as code.
 *
 * Kernel terms are the kernel's own; a sentence says what the step did and why, never what it looks like.
 */

import { assertNever } from "../lib/assertNever";
import type { ContainedWords } from "../lib/contained";
import { hex, type U64 } from "../lib/hex";
import type { Injection } from "../state/session/branch";
import type { FrameWord } from "../state/stage/frames";
import type { Decoded } from "../state/stage/decoded";
import type { Part } from "../state/run/sites";
import type { StackFold } from "../state/stage/stackFold";
import type { WordKind } from "../state/stage/stackWord";
import type { Story } from "../state/story/story";
import { shortName } from "../state/guest/symbols";
import type { Written } from "../state/run/written";
import { compactInsn } from "../state/guest/assembly";
import type { Destination } from "../state/timeline/runTo";
import type { ExportFile, ExportName } from "../state/session/exports";
import type { Failure } from "../state/session/failure";
import type { Trouble } from "../state/page/app.svelte";
import type {
  ContextName,
  LensEvent,
  Link,
  SourceRole,
  TracedStep,
  Value,
  VerdictName,
} from "../wire/wire.gen";
import type { Passage } from "./patch";
import { ofPlace, passageOfPlace, say, sayBriefly } from "./say";

export const CONTEXTS: Record<ContextName, string> = {
  process: "process",
  softirq: "softirq",
  irq: "irq",
  nmi: "NMI",
  mce: "machine check",
};

/** SDM vol. 3A, table 6-1, and the guest's two interrupt vectors. */
const VECTORS: Record<number, string> = {
  2: "NMI",
  3: "#BP",
  6: "#UD",
  8: "#DF",
  13: "#GP",
  14: "#PF",
  18: "#MC",
  0xec: "timer IRQ",
  0xfb: "call-function IPI",
};

export const vectorName = (vector: number): string => VECTORS[vector] ?? `vector 0x${vector.toString(16)}`;

const code = (name: string): string => `\`${shortName(name)}\``;
const bytes = (hex: string): string => `\`${hex.replace(/(..)(?=.)/g, "$1 ")}\``;
const times = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** The story's sentence at a moment. */
export function tell(story: Story): string {
  switch (story.is) {
    case "start":
      return `${say("start", { cpu: `${story.cpu}`, function: shortName(story.function) })} ${say("start-hint")}`;
    case "part":
      return tellPart(story);
    case "end":
      return say(`end-${story.verdict}`);
    case "event":
      return say(story.told.id, story.told.args);
    case "step": {
      const message = ofPlace(story.function, story.text);
      return message === null
        ? say("step", { cpu: `${story.cpu}`, function: shortName(story.function) })
        : say(message);
    }
    default:
      return assertNever(story);
  }
}

/** The same for those who watch it play. */
export const tellBriefly = (story: Story): string =>
  story.is === "event" ? sayBriefly(story.told.id, story.told.args) : tell(story);

/** Where control is: the quiet line while it plays. */
export const whereText = (cpu: number, name: string): string =>
  say("step", { cpu: `${cpu}`, function: name });

function tellPart({ part, index, of, name }: Extract<Story, { is: "part" }>): string {
  const args = { index: `${index}`, of: `${of}`, value: shortName(name) };
  if (part.word === null) return say("part-push-error-code", args);
  return part.is === "push"
    ? say(`part-push-${part.word}`, args)
    : say("part-pop", { ...args, word: WORD_NAMES[part.word] });
}

/** The instruction behind a step, for the line under the sentence. */
export function tellStep(story: Story): string | null {
  return story.is === "step"
    ? say("step-detail", { cpu: `${story.cpu}`, insn: story.text, place: shortName(story.place) })
    : null;
}

/** The passage of the patch that a moment shows, if it shows one. */
export function passageOf(story: Story): Passage | null {
  if (story.is === "event") return story.told.passage;
  return story.is === "step" ? passageOfPlace(story.function) : null;
}

/** An event's name on the timeline and in lists. */
export const EVENT_NAMES: Record<LensEvent["event"], string> = {
  "text-write": "byte written",
  "fetch-view": "fetch view",
  "patch-phase": "patcher’s pass",
  "ipi-sent": "IPI sent",
  "ipi-taken": "IPI taken",
  "sync-core": "sync_core",
  int3: "int3",
  "frame-pushed": "frame pushed",
  irq: "interrupt",
  softirq: "softirq",
  nmi: "NMI",
  mce: "machine check",
  fault: "fault",
  "gap-opened": "gap opened",
  "frame-rewritten": "frame rewritten",
  "push-begun": "push begun",
  "slot-pushed": "slot pushed",
  "pop-begun": "pop begun",
  "slot-popped": "slot popped",
  iret: "iretq",
  "stub-entered": "stub entered",
  "call-emulated": "call emulated",
  "fops-called": "fops called",
  "fops-missed": "fops missed",
  "old-body-ran": "old body ran",
  redirected: "redirected",
  preempted: "preempted",
  migrated: "migrated",
  forked: "forked",
  halted: "halted",
};

export const WORD_NAMES: Record<FrameWord, string> = {
  ip: "RIP",
  cs: "CS",
  flags: "RFLAGS",
  sp: "RSP",
  ss: "SS",
};

/** RFLAGS bits worth a letter: IF above all. */
export const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [0, "CF"],
  [2, "PF"],
  [4, "AF"],
  [6, "ZF"],
  [7, "SF"],
  [9, "IF"],
  [10, "DF"],
  [11, "OF"],
  [16, "RF"],
];

/** What else a step meant, in names; what CPUs would decode from now on, in bytes. */
function sameStep(others: readonly LensEvent[]): string {
  const views = others.filter((event) => event.event === "fetch-view");
  const rest = others.filter((event) => event.event !== "fetch-view");
  const names = rest.map((event) => `${EVENT_NAMES[event.event]}${"op" in event ? ` (${event.op})` : ""}`);
  const seen = views.map(
    (view) =>
      `CPU ${view.cpu} ${view.cause === "stored" ? "goes on decoding" : "would decode"} ${bytes(view.seen)} at ${code(view.symbol)}`,
  );
  return [
    ...(names.length === 0 ? [] : [`In the same step: ${names.join(", ")}.`]),
    ...(seen.length === 0 ? [] : [`${seen.join("; ")}.`]),
  ].join(" ");
}

/** The name of a word on the stack, inside its cell. */
export function wordLabel(kind: WordKind): string {
  switch (kind.is) {
    case "frame":
      return WORD_NAMES[kind.word];
    case "error-code":
      return "error code";
    case "alignment":
      return "alignment";
    case "register":
      return kind.member;
    case "return":
    case "emulated":
      return "return address";
    case "saved":
      return kind.register;
    case "room":
      return "room";
    case "local":
      return "";
    case "gap":
      return "gap";
    case "older":
      return kind.into === null ? "" : "return address";
    default:
      return assertNever(kind);
  }
}

/** Who put a word there, beside its cell. */
export function wordOrigin(kind: WordKind): string {
  switch (kind.is) {
    case "alignment":
      return "the CPU aligns RSP to 16";
    case "return":
      return `pushed by \`call ${kind.callee}\``;
    case "emulated":
      return kind.by.includes("_stub_")
        ? "put there by the stub, as a `call` would"
        : `pushed by \`${kind.by}\`, as a \`call\` would`;
    case "saved":
      return `saved by \`${kind.by}\``;
    case "room":
      return `room made by \`${kind.by}\``;
    case "local":
      return `local to \`${kind.by}\``;
    case "gap":
      return "left free for a push";
    case "error-code":
      return "pushed by the CPU";
    case "register":
      return kind.member === "orig_ax" ? "−1: no system call" : "";
    case "older":
    case "frame":
      return "";
    default:
      return assertNever(kind);
  }
}

export function foldLabel(fold: StackFold): string {
  const words = times(fold.words.length, "word");
  const [first] = fold.by;
  const last = fold.by.at(-1);
  const path =
    first === undefined || last === undefined
      ? ""
      : first === last
        ? `\`${first}\``
        : `\`${first}\` … \`${last}\``;
  switch (fold.what) {
    case "registers":
      return fold.words.length > 1
        ? `\`pt_regs\`: orig_ax and ${times(fold.words.length - 1, "register")} saved by the entry code`
        : "`pt_regs`: orig_ax";
    case "gap":
      return `gap: ${words} left free for a push`;
    case "callers":
      return path === "" ? `${words} of the callers` : `${words} of the callers, ${path}`;
    case "handler":
      return path === "" ? `${words} of the handler` : `${words} of the handler, ${path}`;
    case "kept":
      return `${words} kept by ${path}`;
    default:
      return assertNever(fold.what);
  }
}

/** Since when, and why, a CPU sees what it would decode: in a few words beside the bytes, and whole for the hover. */
export function fetchedSince({ cpu, fetched, since }: Decoded): { short: string; whole: string } {
  if (since === null) return { short: "as memory has it", whole: "" };
  const stale = (fetched ?? []).filter((byte) => byte.isStale).length;
  switch (since.cause) {
    case "stored":
      return {
        short: `stale since moment ${since.moment}`,
        whole: `CPU ${since.cpu} stored here in the step before moment ${since.moment}; CPU ${cpu} has executed no serialising instruction since`,
      };
    case "serialised":
      return {
        short: `fresh since moment ${since.moment}, by ${since.insn}`,
        whole: `CPU ${cpu} executed ${since.insn}, which serialises, in the step before moment ${since.moment}`,
      };
    case "schedule":
      return {
        short: `${stale === 0 ? "fresh" : "partly fresh"} since moment ${since.moment}, by the schedule`,
        whole: `A fetch token of the schedule let CPU ${cpu} see ${stale === 0 ? "all" : "some"} of the new bytes at moment ${since.moment}`,
      };
    default:
      return assertNever(since.cause);
  }
}

/** Who wrote a value last, and when: `moment` is the first one that shows it. */
export function writtenText(written: Written | null): string {
  if (written === null) return "As it was at moment 0: not written since.";
  const { moment, cpu, vector, place, insn } = written;
  if (vector >= 0)
    return `Last written at moment ${moment} by CPU ${cpu}, delivering ${vectorName(vector)} at \`${place}\`.`;
  return `Last written at moment ${moment} by \`${insn}\` in \`${place}\` on CPU ${cpu}.`;
}

/** What a step took another value as, before its name. */
export function roleText(role: SourceRole): string {
  switch (role) {
    case "data":
      return "from";
    case "part":
      return "in part from";
    case "flags":
      return "chosen by";
    case "code":
      return "by the code";
    case "cause":
      return "sent by";
    case "address":
      return "at the address";
    default:
      return assertNever(role);
  }
}

/** A source beside the way that is shown. */
export function otherSource(role: SourceRole, name: string): string {
  const as: Record<SourceRole, string> = {
    data: "",
    part: "in part",
    flags: "condition",
    code: "its code",
    cause: "sent by",
    address: "address",
  };
  return as[role] === "" ? name : `${as[role]}: ${name}`;
}

/** A value that is no 64-bit word. */
export const valueText = (value: Value): string => value.hex ?? value.bytes.replace(/(..)(?=.)/g, "$1 ");

/** What a step of a chain executed. */
export const stepText = ({ cpu, text, vector }: TracedStep): string =>
  text === null ? `CPU ${cpu} delivers ${vectorName(vector ?? -1)}` : compactInsn(text);

/** Which version of its bytes an instruction was decoded from; null where they are as they were at moment 0. */
export function codeVersion({ cpu, written, stale }: TracedStep): string | null {
  const by = written.map((step) => step + 1).join(", ");
  const from = written.length === 0 ? "as they were at moment 0" : `as written at moment ${by}`;
  if (stale) return `CPU ${cpu} decoded its bytes ${from}: memory held newer ones.`;
  return written.length === 0 ? null : `Decoded from its bytes ${from}.`;
}

/** Why an interrupt came; null where nobody sent it, or a link leads to the store that did. */
export function causeText({ cause }: TracedStep): string | null {
  switch (cause?.by) {
    case "schedule":
      return `Injected by the schedule at moment ${cause.moment ?? 0}.`;
    case "before":
      return "Pending since before moment 0.";
    default:
      return null;
  }
}

/** Why the way goes no further. */
export function endText({ end, sources }: Link): string {
  if (end !== null) return `${end.words[0]?.toUpperCase() ?? ""}${end.words.slice(1)}.`;
  return sources.length === 0
    ? "Here the way ends."
    : "From here only the address is known to lead on: see what is listed beside it.";
}

/** Why there is no answer, and a way on. */
export function failureText(failure: Failure): { text: string; action: string } {
  switch (failure.is) {
    case "server-gone":
      return {
        text: "The server does not answer, and it is what follows a value back. What is recorded can still be walked, and every value still says who wrote it last.",
        action: "Ask again",
      };
    case "session-expired":
      return {
        text: "The server has forgotten this session. The run is known by its schedule: made anew, it is the same, step for step.",
        action: "Make the run anew",
      };
    case "refused":
      return { text: `The server did not answer: ${failure.detail}.`, action: "Ask again" };
    default:
      return assertNever(failure);
  }
}

/** Why what was typed leads nowhere. */
export function destinationText(there: Destination, length: number): string {
  switch (there.is) {
    case "moment":
      return "";
    case "beyond":
      return `The run has come to moment ${length.toLocaleString("en")} so far.`;
    case "no-symbol":
      return `The guest has no symbol ${there.name}.`;
    case "never":
      return `CPU ${there.cpu} does not come to ${there.name} after this moment.`;
    default:
      return assertNever(there);
  }
}

/** What each file is for. */
export const EXPORTS: Record<ExportName, { title: (moment: number) => string; note: string }> = {
  figure: {
    title: (moment) => `Figure of moment ${moment}`,
    note: "SVG, for slides and papers: the same drawing as on the stage. It scales, and its text is text.",
  },
  perfetto: {
    title: () => "Trace for Perfetto",
    note: "Open it at `ui.perfetto.dev`: a lane for each CPU and context, a slice for each function and trap, arrows from IPI to delivery and from `int3` to its call.",
  },
  jsonl: {
    title: () => "Trace as JSON lines",
    note: "Every step with its bytes, registers and writes, every event and check: all that is needed to check this run against the guest’s ELF. `/api/schemas/jsonl` describes the lines.",
  },
  tenet: {
    title: () => "Trace for Tenet",
    note: "One CPU’s registers and memory, step by step, for the trace explorer in IDA and Binary Ninja.",
  },
};

export const exportVariant = (variant: NonNullable<ExportFile["variant"]>): string =>
  "cpu" in variant ? `CPU ${variant.cpu}` : variant.theme === "light" ? "Light" : "Dark";

/** Why no file can be had, and a way on. */
export function exportFailureText(failure: Failure): { text: string; action: string } {
  switch (failure.is) {
    case "server-gone":
      return {
        text: "The server does not answer, and it is what makes the files. What is recorded can still be walked here.",
        action: "Look again",
      };
    case "session-expired":
      return {
        text: "The server has forgotten this session, so it has nothing to make a file of. The run is known by its schedule: made anew, it is the same, step for step.",
        action: "Make the run anew",
      };
    case "refused":
      return { text: `The server did not answer: ${failure.detail}.`, action: "Look again" };
    default:
      return assertNever(failure);
  }
}

/** The passes over a site, in order; the syncs have no bytes of their own. */
export const PARTS: Record<Exclude<Part, "other"> | "sync", string> = {
  breakpoint: "int3",
  tail: "new tail",
  "first-byte": "first byte",
  sync: "sync CPUs",
};

export const VERDICTS: Record<VerdictName, string> = {
  ok: "All checks held.",
  violated: "A check did not hold.",
  "out-of-steps": "The run used up its steps.",
  stuck: "Every CPU waits: the run is stuck.",
  shutdown: "The CPU shut down (triple fault).",
};

/** Words and a way on for everything that stands between a visitor and a run. */
export function troubleText(trouble: Trouble): { title: string; text: string; action: string } {
  switch (trouble.is) {
    case "server-gone":
      return {
        title: "The server does not answer",
        text: "Nothing is lost that was recorded, but a new run needs the server. Is `trapscope serve` still running?",
        action: "Try again",
      };
    case "bad-link":
      return {
        title: "This link cannot be read",
        text: `It says ${trouble.detail}.`,
        action: "Start the first scenario",
      };
    case "unknown-scenario":
      return {
        title: `There is no scenario “${trouble.name}”`,
        text: "It may have been renamed, or the link is from another version.",
        action: "Start the first scenario",
      };
    case "no-scenarios":
      return {
        title: "This server has no scenarios",
        text: "Its catalogue is empty, so there is nothing to run.",
        action: "Try again",
      };
    case "session-expired":
      return {
        title: "This session is over",
        text: "Sessions that nobody looks at are deleted after a while. A link to a moment would have outlived it: it carries the run in itself.",
        action: "Start a new one",
      };
    case "refused":
      return {
        title: "The server refused this run",
        text: trouble.detail,
        action: "Start the first scenario",
      };
    case "broken":
      return {
        title: "Something here is broken",
        text: `This page and its server do not understand each other: ${trouble.detail}. Loading the page again may help.`,
        action: "Start the first scenario",
      };
    default:
      return assertNever(trouble);
  }
}

export const WORDS = {
  title: "Trapscope",
  scenario: "scenario",
  design: "design",
  variants: "variants",
  none: "none",
  fetch: "fetch",
  code: "Code",
  patchSite: "The patch site",
  stage: "The stage",
  stack: "The interrupted stack",
  growsDown: "grows down",
  threadInfo: "thread_info",
  story: "Story",
  timeline: "Timeline",
  iretFrame: "iret frame",
  iretFrameNote: "pushed by the CPU, popped by iretq",
  calledFrom: "called from",
  cameFrom: "came from",
  decodes: { past: "decoded", now: "would decode" },
  inMemory: "memory",
  stale: " stale",
  torn: "torn",
  keepSite: (name: string): string => `Keep ${name} in view; again: follow the run`,
  waiting: "waiting for the others",
  brokeFirst: (step: number, cpu: number): string => `First, at step ${step} on CPU ${cpu}:`,
  brokeFirstShort: (check: string, step: number): string => `First ${check}, at step ${step}.`,
  oneBeatBefore: "One beat before",
  whereItBroke: "Where it broke",
  moreFound: (count: number): string => `${count} more ${count === 1 ? "finding" : "findings"}`,
  passStates: { done: "done", now: "now", ahead: "to come", never: "" },
  noSite: "No site has been touched in this run.",
  noTask: "No task is current.",
  top: "top",
  notInThisRun: "not in this run",
  before: "before moment 0",
  noFrame: "no frame on the stack",
  loading: "Asking the server for a run",
  recording: (steps: number): string => `${steps.toLocaleString("en")} steps recorded so far`,
  verdictPending: "verdict pending",
  cancel: "Cancel",
  cancelled: (steps: number): string =>
    `Cancelled after ${steps.toLocaleString("en")} steps. They can be walked; there is no verdict.`,
  reconnecting: (held: number): string =>
    `Connection lost. The ${held.toLocaleString("en")} steps recorded so far are here and can be walked; trying to reconnect.`,
  closed: (why: string | null, held: number): string =>
    `The server no longer has this session${why === null ? "" : `: ${why}`}. Its ${times(held, "recorded step")} can still be walked; to go on from here, have it played again.`,
  stays: "The run on the stage stays.",
  substituted: (why: string): string =>
    `The link’s schedule cannot be run: ${why}. This is the scenario’s own.`,
  rebuilding: "The machine’s process ended; the run is being rebuilt from its inputs.",
  tryNow: "Try now",
  playAgain: "Play it again",
  dismiss: "Dismiss",
  copy: "Copy",
  copied: "Copied",
  share: "Share",
  export: "Export",
  exportTitle: "Take it along",
  download: "Download",
  soFar: (steps: number): string =>
    `The run is not over: a file holds the ${times(steps, "step")} made so far.`,
  theme: "Theme",
  help: "Keys and help",
  close: "Close",
  linkToMoment: "Link to this moment",
  linkToMomentNote: "Carries the whole run: it opens without this server having kept anything.",
  linkToSession: "Join this session",
  linkToSessionNote: "Whoever opens it sees this very run, as long as the session lives.",
  scheduleName: "Schedule",
  scheduleNote: "Whose step came next, all through the run. The same schedule gives the same trace.",
  scheduleForms:
    "K*N: CPU K runs N steps. K>EVENT, K>&SYMBOL, K>.: until then, or to the end. K*: until it waits. irq@K, nmi@K, mce@K: an interrupt at CPU K. rr*Q: all in turn, Q steps each. (TOKENS)*N: these, N times.",
  runSchedule: "Run",
  inject: "inject",
  injectAt: (cpu: number): string => `Inject at CPU ${cpu}`,
  goToMoment: "Go to moment",
  momentOrSymbol: "moment or symbol",
  goToNote: (cpu: number): string =>
    `A moment’s number, or a symbol that CPU ${cpu} is to come to: do_int3, traced_fn+0x5`,
  runToHere: "Click: to the next time this CPU comes here; with Shift: to the time before",
  doesNotCome: (cpu: number, isBack: boolean): string =>
    isBack ? `CPU ${cpu} had not come here before` : `CPU ${cpu} does not come here again`,
  go: "Go",
  of: (length: number): string => `of ${length.toLocaleString("en")}`,
  moment: "moment",
  speed: "speed",
  atBeats: "at beats",
  granularity: "granularity",
  sameStep,
  settings: "How to play",
  startShort: "Restart",
  endShort: "End",
  restart: "Restart",
  previousEvent: "Previous event",
  stepBack: "Step back",
  step: "Step",
  nextEvent: "Next event",
  play: "Play",
  pause: "Pause",
  goToEnd: "Go to end",
  stepShort: "Step",
  eventShort: "Event",
  rspHere: "RSP points here",
  justExecuted: "just executed",
  codeOf: (name: string): string => `Code of ${name}`,
  trapDepth: (depth: number): string => `trap ${depth}`,
  ofTask: (task: string): string => `of ${task}`,
  ofTaskStruct: "of task_struct",
  clobberedBy: (slot: number): string => `clobbered by slots[${slot}]`,
  /** An error inside one pane: what it means for the rest, and the ways on. */
  contained: (pane: string): ContainedWords => ({
    title: `${pane} cannot be shown at this moment`,
    text: "Something in this part of the page is broken. The others go on, and what was recorded stays. It tries again at another moment.",
    again: "Show this pane again",
    copy: "Copy what happened",
    copied: "Copied",
  }),
  hole: (size: number): string => `hole, ${size} bytes`,
  atOffset: (offset: number, size: number): string => `at ${offset}, ${size} bytes`,
  atGsOffset: (offset: number): string => `one a CPU, at %gs:0x${offset.toString(16)}`,
  shownCpu: "shown",
  word: "word",
  unused: "unused in this design",
  lineEnd: (size: number): string => `end of the ${size}-byte cache line`,
  stores: (count: number): string => `${times(count, "store")} to it so far`,
  copyOf: (task: string): string => `The copy that the fork has made, in ${task}’s thread_info:`,
  leftOver: "left over",
  notCounted: "not counted by depth",
  aboutValue: (name: string): string => `About ${name}`,
  atAddress: (address: string): string => `at ${address}`,
  goThere: "Go there",
  why: "Why?",
  closeWhy: "Close this path",
  asOfMoment: (moment: number): string => `at moment ${moment}`,
  noQuestion:
    "Point at a value, or move the focus to one with Tab, and press `w`: here comes the way back through the steps that made it.",
  followingBack: "Following the value back through the steps that made it",
  followOn: "Follow it on from here",
  followThis: "Follow this instead",
  alsoFrom: "also",
  changed: (from: string, to: string, steps: number): string =>
    `${from} → ${to}, ${steps === 0 ? "just now" : `${times(steps, "step")} ago`}`,
  delivered: (vector: number, place: string): string => `\`${vectorName(vector)}\` at \`${place}\``,
  moments: (from: number, to: number): string => `moments ${from} to ${to}`,
  momentNumber: (moment: number): string => `moment ${moment}`,
  momentOf: (moment: number, length: number): string => `moment ${moment} of ${length}`,
  people: (count: number): string => `${count} people here`,
  notYet: "not before the run has come to rest",
  runDefault: "Run the scenario’s own schedule",
  unsupported:
    "This browser is too old for Trapscope: it needs WebSocket, BigInt and ES2023. A current Firefox, Chrome, Edge or Safari will do.",
} as const;

/** What can be raised at a CPU, and what that does to the run. */
export const INJECTIONS: Record<Injection, { short: string; note: (cpu: number) => string }> = {
  irq: { short: "IRQ", note: (cpu) => `Raise an IRQ at CPU ${cpu} now, and play on from here` },
  nmi: { short: "NMI", note: (cpu) => `Raise an NMI at CPU ${cpu} now, and play on from here` },
  mce: { short: "#MC", note: (cpu) => `Raise a machine check at CPU ${cpu} now, and play on from here` },
};

/** The keys, as `?` lists them. */
export const KEYS: readonly (readonly [string, string])[] = [
  ["→ ←", "one stride forwards, back (at the chosen granularity)"],
  ["Shift → ←", "next, previous event"],
  ["Space", "play, pause"],
  ["Home End", "to the start, to the end"],
  ["1 … 5", "granularity: protocol, event, call, instruction, micro-step"],
  ["+ −", "faster, slower"],
  ["i n m", "raise an IRQ, an NMI, a machine check here, and play on from here"],
  ["Enter", "on a value: to where it was written last"],
  ["c", "cancel a run that is still being recorded"],
  ["w", "on a value: why is it what it is? The way back, step by step"],
  ["↑ ↓", "on that way: to the next stop, to the one before; Enter goes to its moment; on a choice: choose"],
  ["r", "show or hide the registers, and what is pending"],
  ["g", "go to a moment, or to where this CPU comes to a symbol"],
  ["e", "edit the schedule"],
  ["s", "share this moment"],
  ["x", "export the run, or a figure of this moment"],
  ["t", "light or dark"],
  ["?", "this list"],
];

/** How to read the page, below the keys. */
export const READING: readonly string[] = [
  "What is history: patch 1/4 of the series (the struct, its four slots, its place) was read in full; designs skip and gap follow the sources of v5.0 and v5.2. What is reconstructed: the handler's body and the stub's instructions, from one quoted paragraph and from memory. Design percpu and all variants are derived, to show what the patch argues.",
  "Everything here was executed: a small kernel runs on an emulated CPU, instruction by instruction, and every value is read from its registers and its memory. Hover a value, or move the focus to it with Tab, for all its digits and for who wrote it last; click it, or press Enter, to go there. `w` asks why it is what it is.",
  "Moment n is the state before step n. The marked line of code is the one that comes next; the line beside the fainter bar has just been executed.",
];

export const tellSince = (since: { event: LensEvent; steps: number }): string =>
  `${times(since.steps, "step")} after ${EVENT_NAMES[since.event.event]}`;

export const tellFinding = (finding: { check: string; severity: string; detail: string }): string =>
  `${finding.severity === "note" ? "Note" : "Violated"}: \`${finding.check}\`. ${finding.detail}`;

/** `TASK_*` of the guest's task.h. */
const TASK_STATES: Record<string, string> = {
  "0x0": "TASK_RUNNING",
  "0x2": "TASK_UNINTERRUPTIBLE",
  "0x80": "TASK_DEAD",
};
/** Any value may stand there once somebody has written over it: then its digits say what it is. */
export const taskStateName = (state: U64): string => TASK_STATES[hex(state)] ?? hex(state);
