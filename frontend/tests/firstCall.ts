/**
 * A whole small run by hand: the shared vector of first-call's ten steps, with the names and layouts that it lies in.
 *
 * An int3 at a call site, its delivery, the handler's push and its rewrite of the frame, and the iretq onto the stub.
 */

import { hexToBytes } from "../src/lib/bytes";
import { u64 } from "../src/lib/hex";
import { Guest } from "../src/state/guest/guest";
import { Recording } from "../src/state/run/recording";
import { REGISTERS } from "../src/wire/registers";
import type {
  Chunk,
  LensEvent,
  MemberInfo,
  Registers,
  StructInfo,
  SymbolInfo,
  Told,
} from "../src/wire/wire.gen";
import { rangesOf, type StepsVector, vector } from "./vectors";

const TEXT = 0x81000000;
const at = (offset: number): string => `0xffffffff${(TEXT + offset).toString(16)}`;
export const SITE = at(0x100);
export const STUB = at(0x600);
export const TASK = at(0x7000);
export const SLOT = at(0x7018);
export const FRAME = at(0x9fd0);
const GS_BASE = at(0x8000);

/** What each moment of the run is the first to show. */
export const MOMENT = {
  start: 0,
  trapped: 1,
  delivered: 2,
  raised: 5,
  pushed: 6,
  rewritten: 7,
  returned: 9,
  end: 10,
};

const given = vector<StepsVector>("steps-first-call.json");

const symbols: SymbolInfo[] = [
  { name: "_text", address: at(0), size: 0, per_cpu: false },
  { name: "caller_fn", address: at(0x50), size: 0x20, per_cpu: false },
  { name: "traced_fn", address: SITE, size: 0x10, per_cpu: false },
  { name: "int3", address: at(0x400), size: 0x40, per_cpu: false },
  { name: "ftrace_int3_stub_regs_caller", address: STUB, size: 0x40, per_cpu: false },
  { name: "_etext", address: at(0x5000), size: 0, per_cpu: false },
  { name: "worker", address: TASK, size: 0x60, per_cpu: false },
  { name: "worker_stack", address: at(0x9000), size: 0x1000, per_cpu: false },
  { name: "current_task", address: "0x10", size: 8, per_cpu: true },
];

const member = (path: string, offset: number, size: number, type = "unsigned long"): MemberInfo => ({
  path,
  type,
  offset,
  size,
});

const threadInfo = [
  member("flags", 0, 8),
  member("status", 8, 4, "u32"),
  member("ftrace_int3_stack", 16, 40, "struct ftrace_int3_stack"),
  member("ftrace_int3_stack.depth", 16, 4, "int"),
  member("ftrace_int3_stack.slots", 24, 32, "unsigned long[4]"),
];

const PT_REGS = "r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss".split(" ");

const structs: StructInfo[] = [
  {
    name: "ftrace_int3_stack",
    size: 40,
    members: [member("depth", 0, 4, "int"), member("slots", 8, 32, "unsigned long[4]")],
  },
  {
    name: "task_struct",
    size: 0x60,
    members: [
      member("thread_info", 0, 56, "struct thread_info"),
      ...threadInfo.map((info) => ({ ...info, path: `thread_info.${info.path}` })),
      member("state", 56, 8, "long"),
      member("comm", 64, 16, "char[16]"),
    ],
  },
  { name: "pt_regs", size: 168, members: PT_REGS.map((name, index) => member(name, index * 8, 8)) },
];

const TEXTS = ["int3", "push rax", "movabs rax, 1", "inc dword ptr [rip]", "mov qword ptr [rip], rax"];
const INSNS = [...TEXTS, "mov qword ptr [rsp], rbx", "pop rax", "iretq", "jmp 0"];

const frame = { addr: FRAME, ip: at(0x101), cs: "0x10", flags: "0x246", sp: at(0x9ff8), ss: "0x18" };
const access = { cpu: 0, owner: "task", task: "worker", index: 0, context: "process" as const, depth: 1 };

export const EVENTS: LensEvent[] = [
  {
    n: 0,
    cpu: 0,
    event: "int3",
    ip: SITE,
    symbol: "traced_fn+0x0",
    site: "function",
    task: "worker",
    context: "process",
  },
  { n: 1, cpu: 0, event: "frame-pushed", vector: 3, frame, symbol: "traced_fn+0x1", handler: "int3" },
  { ...access, n: 4, event: "push-begun", value: "0x0", access: "depth", addr: at(0x7010) },
  { ...access, n: 5, event: "slot-pushed", value: at(0x105), access: "slot", addr: SLOT },
  {
    n: 6,
    cpu: 0,
    event: "frame-rewritten",
    field: "ip",
    addr: FRAME,
    old: at(0x101),
    new: STUB,
    old_symbol: "traced_fn+0x1",
    new_symbol: "ftrace_int3_stub_regs_caller+0x0",
  },
  {
    n: 8,
    cpu: 0,
    event: "iret",
    vector: 3,
    addr: FRAME,
    ip: STUB,
    symbol: "ftrace_int3_stub_regs_caller+0x0",
    sp: at(0x9ff8),
  },
  {
    n: 8,
    cpu: 0,
    event: "stub-entered",
    stub: "ftrace_int3_stub_regs_caller",
    task: "worker",
    context: "process",
  },
];

/** In the place of the server's words: each event is told by its own name. */
const toldBy = ({ event }: LensEvent): Told => ({
  id: event === "iret" ? "iret-trap" : event,
  args: {},
  passage: null,
  weight: event === "iret" ? 1 : 0,
});

const chunk: Chunk = {
  type: "chunk",
  first: 0,
  count: given.steps.length,
  insns: given.codes.map((code, id) => ({
    id,
    rip: code.rip,
    bytes: code.bytes,
    text: INSNS[id] ?? "",
    symbol: new Guest(symbols, structs).symbols.name(u64(code.rip)),
    file: null,
    line: null,
  })),
  lanes: [
    { id: 0, context: "process", trap: 0, task: "worker" },
    { id: 1, context: "process", trap: 1, task: "worker" },
  ],
  events: EVENTS,
  told: EVENTS.map(toldBy),
  findings: [],
  held: [],
};

/** `more` are told beside the run's own events. */
export function firstCall(more: readonly LensEvent[] = []): Recording {
  const cpus = given.cpus.map(
    (file) =>
      Object.fromEntries(
        REGISTERS.map((name, index) => [name, name === "gs_base" ? GS_BASE : file[index]]),
      ) as unknown as Registers,
  );
  const memory = [
    ...given.memory,
    { addr: at(0x8010), bytes: "00700081ffffffff" },
    { addr: at(0x7040), bytes: "776f726b657200" },
  ];
  const recording = new Recording(new Guest(symbols, structs), cpus, rangesOf(memory));
  const events = [...EVENTS, ...more].toSorted((one, other) => one.n - other.n);
  recording.append({ ...chunk, events, told: events.map(toldBy) }, hexToBytes(given.frame));
  return recording;
}
