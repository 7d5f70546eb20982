/**
 * The current task's first cache line: thread_info with the int3 stack in it, and its neighbour.
 *
 * Everything is read through %gs:current_task and the structure's own layout, as the guest's assembly does.
 */

import { add, compare, hex, type U64, u64 } from "../../lib/hex";
import type { Forked, MemberInfo } from "../../wire/wire.gen";
import { type Field, fieldAt } from "../run/field";
import { type Int3Stack, int3StackAt } from "./int3Stack";
import type { Recording } from "../run/recording";

const CACHE_LINE = 64; // bytes
const STACK = "thread_info.ftrace_int3_stack";
/** Where the design "percpu" keeps it instead. */
const PER_CPU_STACK = "ftrace_int3_percpu_stack";

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
  /** This design pushes to the task's own stack; under `skip` and `gap` it lies there and nobody uses it. */
  readonly isUsed: boolean;
  /** The stacks that this design uses instead of the task's, one in each CPU's own area; empty for the others. */
  readonly perCpu: readonly Int3Stack[];
  /** The copy that a fork has made of a task, as long as another task than that is shown. */
  readonly copy: { readonly task: string; readonly stack: Int3Stack } | null;
}

/** Null where no task is current yet. */
export function threadView(
  recording: Recording,
  moment: number,
  cpu: number,
  design: string,
): ThreadView | null {
  const { guest } = recording;
  const machine = recording.at(moment);
  const gsBase = machine.register(cpu, "gs_base");
  const current = guest.symbols.perCpuOffset("current_task");
  if (current === null) return null;
  const address = machine.memory.u64(add(gsBase, current));
  if (guest.symbols.locate(address) === null) return null;

  const layout = guest.layout("task_struct");
  const comm = layout.find("comm");
  const perCpu = design === "percpu" ? guest.symbols.perCpuOffset(PER_CPU_STACK) : null;
  const bases = Array.from({ length: recording.cpus }, (_, index) => machine.register(index, "gs_base"));
  const field = (member: MemberInfo): Field => fieldAt(recording, moment, address, member);
  return {
    task: comm === null ? hex(address) : machine.memory.text(add(address, comm.offset), comm.size),
    address,
    items: itemsOf(layout.children("thread_info"), (member) => {
      const stack =
        member.path === STACK
          ? int3StackAt(recording, moment, add(address, member.offset), "ftrace_int3_stack", member.offset)
          : null;
      return stack === null ? { is: "field", field: field(member) } : { is: "int3-stack", stack };
    }),
    neighbours: layout
      .children("")
      .filter((member) => member.path !== "thread_info" && member.offset < CACHE_LINE)
      .map(field),
    lineEnd: CACHE_LINE,
    isUsed: design === "thread",
    stores: recording.writers.count(address, CACHE_LINE, moment),
    copy: copyAt(recording, moment, address),
    perCpu:
      perCpu === null
        ? []
        : bases.flatMap(
            (base) => int3StackAt(recording, moment, add(base, perCpu), PER_CPU_STACK, perCpu) ?? [],
          ),
  };
}

/** What the last fork before a moment has copied to elsewhere than `shown`. */
function copyAt(recording: Recording, moment: number, shown: U64): ThreadView["copy"] {
  const forked = recording.lastEvent(moment, (event): event is Forked => event.event === "forked");
  if (forked === null || compare(u64(forked.addr), shown) === 0) return null;
  const { layout, address } = { layout: recording.guest.layout("task_struct"), address: u64(forked.addr) };
  const [member, comm] = [layout.find(STACK), layout.find("comm")];
  if (member === null || comm === null) return null;
  const at = add(address, member.offset);
  const stack = int3StackAt(recording, moment, at, "ftrace_int3_stack", member.offset);
  const task = recording.at(moment).memory.text(add(address, comm.offset), comm.size);
  return stack === null ? null : { task, stack };
}

/** Members in order, with the holes that alignment leaves between them. */
function itemsOf(members: readonly MemberInfo[], item: (member: MemberInfo) => Item): Item[] {
  const items: Item[] = [];
  let end = 0;
  for (const member of members) {
    if (member.offset > end) items.push({ is: "hole", offset: end, size: member.offset - end });
    items.push(item(member));
    end = member.offset + member.size;
  }
  return items;
}
