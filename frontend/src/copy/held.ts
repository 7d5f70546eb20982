/** What a CPU holds back, and what for. */

import type { Pending, WaitName } from "../wire/wire.gen";

const KINDS: Record<Pending["what"], string> = { irq: "IRQ", nmi: "NMI", mce: "#MC" };

const WAITS: Record<WaitName, string> = {
  exception: "an exception is delivered first",
  "machine-check": "the machine check is taken first",
  nmi: "the NMI is taken first",
  "higher-vector": "a higher vector is taken first",
  "if-clear": "RFLAGS.IF is 0",
  "sti-shadow": "STI holds interrupts back for one instruction",
  "mov-ss-shadow": "a load of SS holds it back for one instruction",
  "nmi-blocked": "NMIs are blocked until an IRET",
  "in-service": "an interrupt of its class is in service: no EOI yet",
  "task-priority": "the TPR holds its class back",
};

/** `IRQ 0xec`, `NMI`, `#MC`. */
export const pendingName = ({ what, vector }: Pick<Pending, "what" | "vector">): string =>
  what === "irq" ? `${KINDS.irq} 0x${vector.toString(16)}` : KINDS[what];

/** What it waits for; that it comes next, where it waits for nothing. */
export const waitText = ({ waits_for }: Pending): string =>
  waits_for.length === 0 ? "is taken next" : `waits: ${waits_for.map((wait) => WAITS[wait]).join("; ")}`;

export const HELD_WORDS = {
  registers: "Registers",
  registersOf: (cpu: number): string => `Registers of CPU ${cpu}`,
  hide: "Hide the registers",
  pending: "pending",
  nothing: "nothing",
  nmis: "NMIs",
  blocked: "blocked until an IRET",
  open: "not blocked",
  pendingAt: (cpu: number): string => `What CPU ${cpu} holds back`,
  from: (name: string, from: number, to: number): string => `${name} pending, moments ${from} to ${to}`,
  askWhy: "Why is it what it is?",
} as const;
