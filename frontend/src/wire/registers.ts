/** Every register that a step may change, in the order of the change mask (backend: core/types.py REGISTERS). */

export const REGISTERS = [
  "rax",
  "rbx",
  "rcx",
  "rdx",
  "rsi",
  "rdi",
  "rbp",
  "rsp",
  "r8",
  "r9",
  "r10",
  "r11",
  "r12",
  "r13",
  "r14",
  "r15",
  "rip",
  "rflags",
  "cs",
  "ss",
  "gs_base",
] as const;

export type RegisterName = (typeof REGISTERS)[number];

/** One CPU's registers, indexed as REGISTERS. */
export const INDEX = Object.fromEntries(REGISTERS.map((name, index) => [name, index])) as Record<
  RegisterName,
  number
>;
