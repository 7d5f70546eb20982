/**
 * The interrupted stack as rows, highest address first: it grows down, as on paper.
 *
 * What a word is follows from the step that made room for it and the step that wrote it last; names of pt_regs come from its layout.
 */

import { add, compare, distance, hex, type U64, u64 } from "../../lib/hex";
import type { Step } from "../../wire/steps";
import type { FramePushed } from "../../wire/wire.gen";
import type { Activation } from "../run/calls";
import { FRAME_WORDS, type FrameValue, framesAt, type IretFrame } from "./frames";
import { physical } from "../guest/memory";
import type { Recording } from "../run/recording";
import type { Piece } from "../run/stack";
import { stackArea, stackKey } from "../guest/stackArea";
import { fold, type StackRow } from "./stackFold";
import type { StackWord, WordKind } from "./stackWord";

const WORD = 8; // bytes
/** Words above the first recorded push that are shown where the stack's end is not known. */
const OLDER_SHOWN = 1;

/** The words of one stack between its top and RSP, or where a deeper trap left it. */
export interface StackSegment {
  readonly name: string;
  readonly rows: readonly StackRow[];
}

export interface StackView {
  readonly cpu: number;
  readonly sp: U64;
  readonly frames: readonly IretFrame[];
  readonly segments: readonly StackSegment[];
}

export function stackView(recording: Recording, moment: number, cpu: number): StackView {
  const sp = recording.at(moment).register(cpu, "rsp");
  const frames = framesAt(recording, moment, cpu);
  const segments: StackSegment[] = [];
  let low = sp;
  // From the innermost stack outwards: a frame whose saved SP lies on another stack leads there.
  for (;;) {
    const name = stackKey(recording.guest.symbols, low);
    segments.push(segment(recording, moment, cpu, name, low, frames));
    const door = frames.findLast(
      (frame) =>
        ownerOf(recording, frame.address) === name &&
        saved(frame) !== null &&
        ownerOf(recording, saved(frame)) !== name,
    );
    const next = door === undefined ? null : saved(door);
    if (next === null || segments.length > frames.length) break;
    low = next;
  }
  return { cpu, sp, frames, segments: segments.reverse() };
}

function segment(
  recording: Recording,
  moment: number,
  cpu: number,
  name: string,
  low: U64,
  frames: readonly IretFrame[],
): StackSegment {
  const context = new Words(recording, moment, frames);
  const words: StackWord[] = [];
  let piece: Piece | null = recording.stacks.at(low, moment);
  let at = low;
  for (; piece !== null; piece = piece.parent) {
    for (; compare(at, piece.high) < 0; at = add(at, WORD)) {
      if (compare(at, piece.low) >= 0) words.push(context.word(at, piece));
    }
  }
  // `at` may stand behind the last word, where the next stack begins.
  const area = stackArea(recording.guest.symbols, add(at, -1));
  const older = area === null ? OLDER_SHOWN : Math.floor((distance(area.end, at) ?? 0) / WORD);
  for (let index = 0; index < older; index++) words.push(context.older(add(at, index * WORD)));
  return { name, rows: fold(words.reverse(), baseOf(recording, moment, cpu, low)) };
}

/** Says what each word of one stack is, at one moment. */
class Words {
  readonly #recording: Recording;
  readonly #moment: number;
  readonly #frames: readonly IretFrame[];
  readonly #members: readonly { at: U64; member: string }[];
  readonly #inFrame = new Map<string, { frame: IretFrame; value: FrameValue }>();

  constructor(recording: Recording, moment: number, frames: readonly IretFrame[]) {
    this.#recording = recording;
    this.#moment = moment;
    this.#frames = frames;
    for (const frame of frames) {
      for (const value of frame.words) this.#inFrame.set(hex(value.address), { frame, value });
    }
    const layout = recording.guest.layout("pt_regs");
    const ip = layout.find("ip")?.offset ?? 0;
    this.#members = frames.flatMap((frame) =>
      layout.members
        .filter((member) => member.offset < ip)
        .map((member) => ({ at: add(frame.address, member.offset - ip), member: member.path })),
    );
  }

  word(at: U64, piece: Piece): StackWord {
    const moment = this.#recording.writers.last(at, this.#moment);
    const writer = moment === null || moment < piece.moment ? null : this.#recording.step(moment);
    return this.#build(at, this.#kind(at, piece, writer), writer);
  }

  /** A word that was on the stack before the recording began. */
  older(at: U64): StackWord {
    const moment = this.#recording.writers.last(at, this.#moment);
    const value = this.#recording.at(this.#moment).memory.u64(at);
    const kind = { is: "older", into: this.#codeName(value) } as const;
    return this.#build(at, kind, moment === null ? null : this.#recording.step(moment));
  }

  #build(at: U64, kind: WordKind, writer: Step | null): StackWord {
    const value = this.#recording.at(this.#moment).memory.u64(at);
    return { key: hex(at), address: at, value, kind, writer, isNew: writer?.moment === this.#moment - 1 };
  }

  #kind(at: U64, piece: Piece, writer: Step | null): WordKind {
    const inFrame = this.#inFrame.get(hex(at));
    if (inFrame !== undefined) {
      return {
        is: "frame",
        frame: inFrame.frame.index,
        word: inFrame.value.word,
        pushed: inFrame.value.pushed,
      };
    }
    const maker = this.#recording.step(piece.moment);
    const emulated = this.#emulated(at, maker, writer);
    if (emulated !== null) return emulated;
    if (this.#frames.some((frame) => isInGap(at, frame))) return { is: "gap" };
    if (maker.code < 0) return this.#deliveryWord(at, piece, maker);
    const member = this.#members.find((entry) => compare(entry.at, at) === 0);
    if (member !== undefined && this.#isEntryCode(piece)) return { is: "register", member: member.member };
    const text = this.#recording.code(maker).text;
    const by = this.#activation(maker.cpu, piece.moment)?.function ?? "";
    if (text.startsWith("call")) {
      const value = this.#recording.at(this.#moment).memory.u64(at);
      return {
        is: "return",
        into: this.#codeName(value),
        callee: this.#activation(maker.cpu, piece.moment + 1)?.function ?? "",
      };
    }
    if (text.startsWith("push")) return { is: "saved", register: text.slice(5).trim(), by };
    return writer === null ? { is: "room", by } : { is: "local", by };
  }

  /** A return address that no `call` pushed: a stub put it into room of its own, or the handler into the gap. */
  #emulated(at: U64, maker: Step, writer: Step | null): WordKind | null {
    if (writer === null || writer.moment === maker.moment || writer.code < 0) return null;
    const by = this.#recording.guest.symbols.owner(writer.rip) ?? "";
    if (maker.code >= 0 && !by.includes("_stub_")) return null;
    const into = this.#codeName(this.#recording.at(this.#moment).memory.u64(at));
    return into === null ? null : { is: "emulated", into, by };
  }

  #deliveryWord(at: U64, piece: Piece, delivery: Step): WordKind {
    if (delivery.errorCode >= 0 && compare(at, piece.low) === 0) return { is: "error-code" };
    const wrote = delivery.writes.some((write) => physical(write.address) === physical(at));
    // The five words that the CPU pushed and that entry code has copied further down: the gap.
    return wrote ? { is: "gap" } : { is: "alignment" };
  }

  /** Whether the words were laid by the entry code of the innermost frame above them, and not by C behind it. */
  #isEntryCode(piece: Piece): boolean {
    const activation = this.#activation(this.#recording.step(piece.moment).cpu, piece.moment);
    return activation !== null && (activation.entry === "trap" || activation.parent?.entry === "trap");
  }

  /** What a CPU was in; a task's words may have been laid by another CPU than the one it runs on now. */
  #activation(cpu: number, moment: number): Activation | null {
    return this.#recording.calls[cpu]?.at(moment) ?? null;
  }

  #codeName(value: U64): string | null {
    const { symbols } = this.#recording.guest;
    const [start, end] = [symbols.find("_text"), symbols.find("_etext")];
    if (start === null || end === null) return null;
    const [from, to] = [distance(value, start.address), distance(value, end.address)];
    return from !== null && to !== null && from >= 0 && to < 0 ? symbols.name(value) : null;
  }
}

/**
 * Where the interrupted code's words end and what is laid for the call begins, while no trap is open: at the RSP that the last
 * trap interrupted, as long as that has not been returned from; else at the current function's return address. So
 * the rows above keep their places when a frame comes and goes.
 */
function baseOf(recording: Recording, moment: number, cpu: number, low: U64): U64 {
  const event = recording.lastEvent(
    moment,
    (candidate): candidate is FramePushed => candidate.event === "frame-pushed" && candidate.cpu === cpu,
  );
  const interrupted = event === null ? null : u64(event.frame.sp);
  if (
    interrupted !== null &&
    ownerOf(recording, interrupted) === ownerOf(recording, low) &&
    compare(low, interrupted) <= 0
  ) {
    return interrupted;
  }
  return recording.calls[cpu]?.at(moment).sp ?? low;
}

/** Between a frame that entry code has copied down and the end of where the CPU had pushed it. */
function isInGap(at: U64, frame: IretFrame): boolean {
  const size = FRAME_WORDS.length * WORD;
  const isMoved = compare(frame.address, frame.hardware) < 0;
  return isMoved && compare(at, add(frame.address, size)) >= 0 && compare(at, add(frame.hardware, size)) < 0;
}

function saved(frame: IretFrame): U64 | null {
  return frame.words[FRAME_WORDS.indexOf("sp")]?.value ?? null;
}

function ownerOf(recording: Recording, address: U64 | null): string {
  return address === null ? "" : stackKey(recording.guest.symbols, address);
}
