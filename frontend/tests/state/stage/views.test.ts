import { describe, expect, it } from "vitest";
import { hex } from "../../../src/lib/hex";
import { stride } from "../../../src/state/timeline/beats";
import { folded } from "../../../src/state/guest/folded";
import { codeRows, codeView } from "../../../src/state/stage/codeView";
import { framesAt } from "../../../src/state/stage/frames";
import { motionsOf, reversed } from "../../../src/state/stage/motion";
import { siteView } from "../../../src/state/stage/siteView";
import { stackView } from "../../../src/state/stage/stackView";
import type { StackWord } from "../../../src/state/stage/stackWord";
import { storyAt, type Aspect } from "../../../src/state/story/story";
import { threadView } from "../../../src/state/stage/threadView";
import { marksApart, timeline } from "../../../src/state/timeline/timeline";
import type { LensEvent } from "../../../src/wire/wire.gen";
import { firstCall, FRAME, MOMENT, SITE, SLOT, STUB } from "../../firstCall";

const run = firstCall();
const telling = (micro: number): Aspect => ({ micro, verdict: null });

function wordsAt(moment: number): StackWord[] {
  return stackView(run, moment, 0).segments.flatMap(({ rows }) =>
    rows.flatMap((row) => ("word" in row ? [row.word] : row.fold.words)),
  );
}

function stackAt(moment: number) {
  const item = threadView(run, moment, 0, "thread")?.items.find((candidate) => candidate.is === "int3-stack");
  if (item?.is !== "int3-stack") throw new Error("no int3 stack");
  return item.stack;
}

describe("the iret frame", () => {
  it("is there from the delivery to the iretq, and at no other moment", () => {
    const lengths = Array.from({ length: run.length + 1 }, (_, moment) => framesAt(run, moment, 0).length);
    expect(lengths).toEqual([0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
  });

  it("holds the five words that the CPU pushed", () => {
    const [frame] = framesAt(run, MOMENT.delivered, 0);
    expect(frame?.words.map(({ word, value }) => [word, hex(value)])).toEqual([
      ["ip", "0xffffffff81000101"],
      ["cs", "0x10"],
      ["flags", "0x246"],
      ["sp", "0xffffffff81009ff8"],
      ["ss", "0x18"],
    ]);
  });

  it("shows the rewritten ip beside the one that was pushed", () => {
    const ip = framesAt(run, MOMENT.rewritten, 0)[0]?.words[0];
    expect([hex(ip?.value ?? run.at(0).register(0, "rip")), ip && hex(ip.pushed)]).toEqual([
      STUB,
      "0xffffffff81000101",
    ]);
  });
});

describe("the interrupted stack", () => {
  it("has the caller’s return address above the frame", () => {
    const kinds = wordsAt(MOMENT.delivered).map(({ kind }) => (kind.is === "frame" ? kind.word : kind.is));
    expect(kinds).toEqual(["older", "ss", "sp", "flags", "cs", "ip"]);
  });

  it("names a return address from before the recording by where it returns to", () => {
    const [older] = wordsAt(MOMENT.start);
    expect(older?.kind).toEqual({ is: "older", into: "caller_fn+0x5" });
  });

  it("names the words under the frame as members of pt_regs", () => {
    expect(wordsAt(MOMENT.delivered + 1).at(-1)?.kind).toEqual({ is: "register", member: "orig_ax" });
  });

  it("marks what the step just made wrote, and who wrote it", () => {
    const news = wordsAt(MOMENT.rewritten).filter((word) => word.isNew);
    expect(news.map((word) => word.key)).toEqual([FRAME]);
    expect(news[0]?.writer?.moment).toBe(MOMENT.rewritten - 1);
  });

  it("is the same after the iretq as before the trap", () => {
    expect(wordsAt(MOMENT.returned).map(({ key }) => key)).toEqual(
      wordsAt(MOMENT.trapped).map(({ key }) => key),
    );
  });
});

describe("thread_info", () => {
  it("lies at its layout's offsets, with the hole and the neighbour in the line", () => {
    const view = threadView(run, 0, 0, "thread");
    expect(view?.task).toBe("worker");
    expect(view?.items.map((item) => (item.is === "field" ? item.field.path : item.is))).toEqual([
      "thread_info.flags",
      "thread_info.status",
      "hole",
      "int3-stack",
    ]);
    expect(view?.neighbours.map(({ path, offset }) => [path, offset])).toEqual([["state", 56]]);
  });

  it("says whether the design uses the stack in it", () => {
    const used = ["thread", "percpu", "gap", "skip"].map((design) => threadView(run, 0, 0, design)?.isUsed);
    expect(used).toEqual([true, false, false, false]);
  });

  it("counts the stores to its line", () => {
    expect(threadView(run, MOMENT.pushed, 0, "thread")?.stores).toBe(2);
  });

  it("names a slot's context only while the slot is occupied", () => {
    expect(stackAt(MOMENT.raised).slots.map(({ context }) => context)).toEqual([null, null, null, null]);
    expect(stackAt(MOMENT.raised).count).toBe(1);
    const { slots } = stackAt(MOMENT.pushed);
    expect(slots.map(({ context }) => context)).toEqual(["process", null, null, null]);
    expect(slots.slice(0, 1).map(({ value, isTop }) => [hex(value), isTop])).toEqual([
      ["0xffffffff81000105", true],
    ]);
  });

  it("says what the depth was before its last writer", () => {
    expect(hex(stackAt(MOMENT.pushed).depth.was)).toBe("0x0");
    expect(stackAt(MOMENT.pushed).depth.writer).toBe(MOMENT.raised - 1);
  });
});

describe("the patch site", () => {
  it("shows the five bytes and what a CPU decodes there", () => {
    const view = siteView(run, MOMENT.start, { cpu: 0, isWeak: false, key: null });
    expect(view?.bytes.map(({ value }) => value)).toEqual([0xcc, 0x1f, 0x44, 0, 0]);
    expect(view?.decodes).toMatchObject([{ cpu: 0, text: "int3", when: "now", fetched: null, since: null }]);
    expect(siteView(run, MOMENT.trapped, { cpu: 0, isWeak: false, key: null })?.decodes[0]?.when).toBe(
      "past",
    );
  });

  it("is the one whose breakpoint the CPU shown is handling, while the run speaks of another", () => {
    const other = `0x${(BigInt(SITE) + 0x200n).toString(16)}`;
    const written: LensEvent = {
      event: "text-write",
      n: 3,
      cpu: 1,
      site: other,
      addr: other,
      symbol: "other_fn",
      part: "breakpoint",
      old: "0f",
      new: "cc",
    };
    const two = firstCall([written]);
    const shown = (cpu: number) => siteView(two, MOMENT.raised, { cpu, isWeak: false, key: null })?.key;
    expect([shown(0), shown(1)]).toEqual([SITE, other]);
    expect(siteView(two, MOMENT.raised, { cpu: 0, isWeak: false, key: other })?.key).toBe(other);
  });

  it("knows a breakpoint that was there before the recording, and what this run does not do", () => {
    const states = siteView(run, MOMENT.delivered, { cpu: 0, isWeak: false, key: null })?.passes.map(
      ({ name, state }) => `${name} ${state}`,
    );
    expect(states).toEqual([
      "breakpoint done",
      "sync never",
      "tail never",
      "sync never",
      "first-byte never",
      "sync never",
    ]);
  });
});

describe("the protocol's lines", () => {
  const SYNC: readonly [number, string][] = [
    [2, "sync-1"],
    [4, "synced"],
    [5, "tails"],
  ];
  const store = (n: number, part: string, old: string, is: string): LensEvent => ({
    ...{ event: "text-write", n, cpu: 0, site: SITE, addr: SITE, symbol: "traced_fn" },
    ...{ part, old, new: is },
  });
  const passed = (phases: readonly (readonly [number, string])[]): LensEvent[] =>
    phases.map(([n, phase]) => ({ event: "patch-phase", n, cpu: 0, phase }));
  const statesOf = (events: readonly LensEvent[], moment: number): string[] | undefined =>
    siteView(firstCall(events), moment, { cpu: 0, isWeak: false, key: null })?.passes.map(
      ({ name, state, isWaiting }) => `${name} ${state}${isWaiting ? ", waiting" : ""}`,
    );
  const first = store(1, "breakpoint", "0f", "cc");
  const tail = store(6, "tail", "cc", "0b");

  it("stand at a sync until the patcher goes on, not until it has asked", () => {
    const events = [first, ...passed(SYNC), tail];
    const lines = (moment: number) => statesOf(events, moment)?.slice(0, 3);
    expect(lines(2)).toEqual(["breakpoint now", "sync ahead", "tail ahead"]);
    expect(lines(3)).toEqual(["breakpoint done", "sync now, waiting", "tail ahead"]);
    expect(lines(5)).toEqual(["breakpoint done", "sync now", "tail ahead"]);
    expect(lines(7)).toEqual(["breakpoint done", "sync done", "tail done"]);
  });

  it("wait at the last sync as at the others, where nothing else is to come", () => {
    const events = [first, store(2, "first-byte", "cc", "e8"), ...passed([[4, "sync-3"]])];
    expect(statesOf(events, 9)?.slice(4)).toEqual(["first-byte done", "sync now, waiting"]);
    const over = passed([[7, "synced"]]);
    expect(statesOf([...events, ...over], 9)?.slice(4)).toEqual(["first-byte done", "sync done"]);
  });

  it("have the last sync where the change was called done before it", () => {
    const events = [
      first,
      store(2, "first-byte", "cc", "e8"),
      ...passed([
        [3, "done"],
        [4, "sync-3"],
      ]),
    ];
    expect(statesOf(events, 9)?.slice(4)).toEqual(["first-byte done", "sync now, waiting"]);
  });

  it("lack a sync that was left out, though another site is synced later", () => {
    const events = [
      first,
      ...passed([
        [2, "tails"],
        [5, "sync-1"],
      ]),
    ];
    expect(statesOf(events, 9)?.[1]).toBe("sync never");
  });
});

describe("the code", () => {
  const rowsAt = (moment: number): ReturnType<typeof codeRows> => {
    const view = codeView(run, moment, 0);
    return codeRows(run, view, folded(view.listing.rows, Infinity), 0, view.listing.rows.length);
  };

  it("marks the one instruction that RIP stands on, and the one just executed", () => {
    const rows = rowsAt(MOMENT.rewritten).filter((row) => row.is === "insn");
    expect(rows.filter((row) => row.isCurrent).map((row) => row.text)).toEqual(["pop rax"]);
    expect(rows.filter((row) => row.isDone).map((row) => row.text)).toEqual(["mov [rsp], rbx"]);
  });

  it("has the rows in sight as they are among all of them", () => {
    const view = codeView(run, MOMENT.rewritten, 0);
    expect(view.current).toBeGreaterThan(0);
    expect(
      codeRows(run, view, folded(view.listing.rows, Infinity), view.current - 1, view.current + 1),
    ).toEqual(rowsAt(MOMENT.rewritten).slice(view.current - 1, view.current + 1));
  });

  it("says which trap interrupted what", () => {
    const view = codeView(run, MOMENT.delivered, 0);
    expect(view.from).toEqual({ place: "traced_fn+0x1", vector: 3 });
    expect(view.callers.map((caller) => caller.function)).toEqual(["int3", "traced_fn"]);
  });

  it("shows the bytes that memory holds and marks a site", () => {
    const site = rowsAt(MOMENT.start).find((row) => row.is === "insn" && hex(row.address) === SITE);
    expect(site?.is === "insn" && [site.bytes, site.isSite]).toEqual(["cc", true]);
  });
});

describe("the story", () => {
  it("tells the event that explains the others of its step", () => {
    const told = storyAt(run, MOMENT.returned, telling(0));
    expect(told.story.is === "event" && told.story.event.event).toBe("stub-entered");
    expect(told.others.map(({ event }) => event)).toEqual(["iret"]);
  });

  it("tells of a plain step what was executed and how long ago something happened", () => {
    const told = storyAt(run, MOMENT.delivered + 1, telling(0));
    expect(told.story).toMatchObject({ is: "step", text: "push rax", function: "int3" });
    expect(told.since).toMatchObject({ steps: 1, event: { event: "frame-pushed" } });
  });
});

describe("the end of the story", () => {
  it("is the run's verdict, once there is one", () => {
    expect(storyAt(run, run.length, { ...telling(0), verdict: "ok" }).story).toEqual({
      is: "end",
      verdict: "ok",
    });
    expect(storyAt(run, run.length, telling(0)).story).toMatchObject({ is: "step" });
  });
});

describe("strides", () => {
  it("stop behind each event, forwards and back", () => {
    const stops = [];
    for (let at = 0; at < run.length;) stops.push((at = stride(run, at, "event", 1)));
    expect(stops).toEqual([1, 2, 5, 6, 7, 9, 10]);
    const back = [];
    for (let at = run.length; at > 0;) back.push((at = stride(run, at, "event", -1)));
    expect(back).toEqual([9, 7, 6, 5, 2, 1, 0]);
  });

  it("of a call stop where a function or a trap is entered or left", () => {
    expect(stride(run, 0, "call", 1)).toBe(MOMENT.delivered);
    expect(stride(run, MOMENT.delivered, "call", 1)).toBe(MOMENT.returned);
    expect(stride(run, MOMENT.returned, "call", -1)).toBe(MOMENT.delivered);
  });

  it("never leave the run", () => {
    expect(stride(run, run.length, "instruction", 1)).toBe(run.length);
    expect(stride(run, 0, "instruction", -1)).toBe(0);
  });
});

describe("motion", () => {
  it("lays a delivery's words in the order in which the CPU pushed them", () => {
    const motions = motionsOf(run, MOMENT.delivered - 1);
    expect(motions.map((motion) => motion.is === "laid" && motion.order)).toEqual([0, 1, 2, 3, 4]);
    expect(motions.at(-1)).toMatchObject({ at: `word:${FRAME}` });
  });

  it("brings the pushed address from the frame to its slot", () => {
    expect(motionsOf(run, MOMENT.pushed - 1)).toContainEqual(
      expect.objectContaining({ is: "travel", to: `slot:${SLOT}`, text: "traced_fn+0x5" }),
    );
  });

  it("takes all five words away at the iretq, and brings them back when it is undone", () => {
    const taken = motionsOf(run, MOMENT.returned - 1);
    expect(taken.map((motion) => motion.is)).toEqual(Array(5).fill("taken"));
    expect(reversed(taken).map((motion) => motion.is)).toEqual(Array(5).fill("laid"));
  });
});

describe("the timeline", () => {
  it("has a slice for the trap inside the traced function, and one mark a step that means something", () => {
    const view = timeline(run);
    const names = view.lanes[0]?.slices.map((slice) =>
      slice.activations.map((activation) => activation.function),
    );
    expect(names).toEqual([["traced_fn"], ["int3"], ["ftrace_int3_stub_regs_caller"]]);
    expect(view.marks.map(({ moment }) => moment)).toEqual([0, 1, 4, 5, 6, 8]);
  });

  it("has one mark for each CPU that a step means something to, in whatever order it is told", () => {
    const told = [1, 0, 1].map((cpu) => ({ n: 6, cpu, event: "halted", ip: SITE, symbol: "" }) as const);
    const marks = timeline(firstCall(told)).marks.filter(({ moment }) => moment === 6);
    expect(marks.map(({ cpu, events }) => [cpu, events.length])).toEqual([
      [0, 2],
      [1, 2],
    ]);
  });
});

describe("the timeline of a long run", () => {
  const event = (n: number, cpu: number, name: "int3" | "halted"): LensEvent =>
    ({ n, cpu, event: name }) as LensEvent;
  const marks = [0, 3, 5, 12].map((n) => ({
    moment: n,
    cpu: 0,
    events: [event(n, 0, n === 5 ? "halted" : "int3")],
  }));

  it("keeps every mark as long as a moment has a pixel of its own", () => {
    expect(marksApart(marks, 1)).toBe(marks);
  });

  it("makes one mark of what cannot be told apart, with the first event of each kind", () => {
    const other = { moment: 4, cpu: 1, events: [event(4, 1, "int3")] };
    const apart = marksApart([...marks.slice(0, 2), other, ...marks.slice(2)], 10);
    expect(apart.map(({ moment, cpu, events }) => [moment, cpu, events.map(({ n }) => n)])).toEqual([
      [0, 0, [0, 5]],
      [4, 1, [4]],
      [12, 0, [12]],
    ]);
  });

  it("is made anew when the run has grown by a good part, or grows no more", () => {
    const made = timeline(run);
    expect(timeline(run, made, true)).toBe(made);
    expect(timeline(run, made, false)).not.toBe(made);
    const lengths = [8, 7].map((length) => timeline(run, { ...made, length }, true).length);
    expect(lengths).toEqual([8, run.length]);
    expect(timeline(firstCall(), made, true)).not.toBe(made);
  });
});

describe("a recording that was cut back", () => {
  it("is what it was before it grew beyond", () => {
    const whole = firstCall();
    whole.truncate(MOMENT.pushed);
    expect(whole.length).toBe(MOMENT.pushed);
    expect(whole.events.at(-1)?.event).toBe("slot-pushed");
    expect(framesAt(whole, MOMENT.pushed, 0)).toHaveLength(1);
    expect(whole.calls[0]?.at(MOMENT.pushed).function).toBe("int3");
  });
});
