/**
 * The current task's first cache line: thread_info with the int3 stack in it, and its neighbour.
 *
 * Everything is read through %gs:current_task and the structure's own layout, as the guest's assembly does.
 */

import { add, fromBytes, hex, int32, type U64 } from "../lib/hex";
import type { Step } from "../wire/batch";
import type { ContextName, MemberInfo, SlotPopped, SlotPushed } from "../wire/wire.gen";
import { physical } from "./memory";
import type { Recording } from "./recording";

const CACHE_LINE = 64; // bytes
const STACK = "thread_info.ftrace_int3_stack";
/** A slot, and the widest member that is shown as one value. */
const WORD = 8;

export interface Field {
  readonly path: string;
  readonly offset: number;
  readonly size: number;
  readonly value: U64;
  /** What it held before its last writer's store; its value, where nobody has written it. */
  readonly was: U64;
  readonly writer: number | null;
  readonly isNew: boolean;
}

export interface Slot {
  readonly index: number;
  readonly value: U64;
  /** The context that pushed it; null while the slot is free. */
  readonly context: ContextName | null;
  readonly isTop: boolean;
  readonly writer: number | null;
  readonly isNew: boolean;
}

export interface Int3Stack {
  readonly offset: number;
  readonly size: number;
  readonly depth: Field;
  readonly count: number;
  readonly slots: readonly Slot[];
}

export type Item =
  | { readonly is: "field"; readonly field: Field }
  | { readonly is: "hole"; readonly offset: number; readonly size: number }
  | { readonly is: "int3-stack"; readonly stack: Int3Stack };

export interface ThreadView {
  readonly task: string;
  readonly address: U64;
  readonly items: readonly Item[];
  /** The task_struct's members behind thread_info that share its cache line. */
  readonly neighbours: readonly Field[];
  readonly lineEnd: number;
  /** Stores to that line up to this moment. */
  readonly stores: number;
}

/** Null where no task is current yet. */
export function threadView(recording: Recording, moment: number, cpu: number): ThreadView | null {
  const { guest } = recording;
  const machine = recording.at(moment);
  const current = guest.symbols.perCpuOffset("current_task");
  if (current === null) return null;
  const address = machine.memory.u64(add(machine.register(cpu, "gs_base"), current));
  if (guest.symbols.locate(address) === null) return null;

  const layout = guest.layout("task_struct");
  const comm = layout.find("comm");
  const task = comm === null ? hex(address) : machine.memory.text(add(address, comm.offset), comm.size);
  const field = (member: MemberInfo): Field => {
    const at = add(address, member.offset);
    const writer = writerOf(recording, at, member.size, moment);
    const bytes = machine.memory.read(at, Math.min(member.size, WORD));
    return {
      path: member.path,
      offset: member.offset,
      size: member.size,
      value: fromBytes(bytes),
      was: writer === null ? fromBytes(bytes) : fromBytes(before(recording.step(writer), at, bytes)),
      writer,
      isNew: writer !== null && writer === moment - 1,
    };
  };

  const items: Item[] = [];
  let end = 0;
  for (const member of layout.children("thread_info")) {
    if (member.offset > end) items.push({ is: "hole", offset: end, size: member.offset - end });
    items.push(
      member.path === STACK
        ? { is: "int3-stack", stack: int3Stack(recording, moment, address, task, field) }
        : { is: "field", field: field(member) },
    );
    end = member.offset + member.size;
  }
  return {
    task,
    address,
    items,
    neighbours: layout
      .children("")
      .filter((member) => member.path !== "thread_info" && member.offset < CACHE_LINE)
      .map(field),
    lineEnd: CACHE_LINE,
    stores: recording.writers.count(address, CACHE_LINE, moment),
  };
}

function int3Stack(
  recording: Recording,
  moment: number,
  address: U64,
  comm: string,
  field: (member: MemberInfo) => Field,
): Int3Stack {
  const layout = recording.guest.layout("task_struct");
  const [whole, depthOf, slotsOf] = [
    layout.find(STACK),
    layout.find(`${STACK}.depth`),
    layout.find(`${STACK}.slots`),
  ];
  if (whole === null || depthOf === null || slotsOf === null)
    throw new RangeError(`task_struct has no ${STACK}`);
  const depth = field(depthOf);
  const count = int32(depth.value);
  const machine = recording.at(moment);
  const slots = Array.from({ length: slotsOf.size / WORD }, (_, index): Slot => {
    const at = add(address, slotsOf.offset + index * WORD);
    const writer = recording.writers.last(at, moment);
    return {
      index,
      value: machine.memory.u64(at),
      context: index < count ? pusherOf(recording, moment, comm, index) : null,
      isTop: index === count - 1,
      writer,
      isNew: writer !== null && writer === moment - 1,
    };
  });
  return { offset: whole.offset, size: whole.size, depth, count, slots };
}

/** The context whose push into `index` of `task`'s stack has not been popped. */
function pusherOf(recording: Recording, moment: number, task: string, index: number): ContextName | null {
  const event = recording.lastEvent(
    moment,
    (candidate): candidate is SlotPushed | SlotPopped =>
      (candidate.event === "slot-pushed" || candidate.event === "slot-popped") &&
      candidate.task === task &&
      candidate.index === index,
  );
  return event?.event === "slot-pushed" ? event.context : null;
}

/** `bytes`, which lie at `address`, as they were before a step's stores. */
function before(step: Step, address: U64, bytes: Uint8Array): Uint8Array {
  const result = bytes.slice();
  for (const write of step.writes) {
    write.old.forEach((byte, index) => {
      const at = physical(write.address) + index - physical(address);
      if (at >= 0 && at < result.length) result[at] = byte;
    });
  }
  return result;
}

function overlaps(a: U64, aSize: number, b: U64, bSize: number): boolean {
  return physical(a) < physical(b) + bSize && physical(b) < physical(a) + aSize;
}

/** The last step that stored to any byte of `[at, at + size)`, not merely to a neighbour in the same word. */
function writerOf(recording: Recording, at: U64, size: number, moment: number): number | null {
  let before = moment;
  for (;;) {
    const last = recording.writers.last(at, before);
    if (last === null) return null;
    const covers = recording
      .step(last)
      .writes.some((write) => overlaps(write.address, write.new.length, at, size));
    if (covers) return last;
    before = last;
  }
}
