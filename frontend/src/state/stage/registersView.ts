/** A CPU's registers at a moment, those first that say where it stands and what it may take. */

import { compare, type U64 } from "../../lib/hex";
import { type RegisterName, REGISTERS } from "../../wire/registers";
import type { Holding } from "../run/held";
import type { Recording } from "../run/recording";

export interface RegisterRow {
  readonly name: RegisterName;
  readonly value: U64;
  /** Whether the step just made changed it. */
  readonly isNew: boolean;
}

export interface RegistersView {
  readonly cpu: number;
  readonly rows: readonly RegisterRow[];
  readonly holding: Holding;
}

const FIRST: readonly RegisterName[] = ["rip", "rsp", "rflags"];

export function registersView(recording: Recording, moment: number, cpu: number): RegistersView {
  const now = recording.at(moment).file(cpu);
  const isMine = moment > 0 && recording.step(moment - 1).cpu === cpu;
  const then = isMine ? recording.at(moment - 1).file(cpu) : now;
  const rows = REGISTERS.flatMap((name, index) => {
    const [value, old] = [now[index], then[index]];
    return value === undefined || old === undefined
      ? []
      : [{ name, value, isNew: compare(value, old) !== 0 }];
  });
  return {
    cpu,
    rows: [
      ...FIRST.flatMap((name) => rows.find((row) => row.name === name) ?? []),
      ...rows.filter((row) => !FIRST.includes(row.name)),
    ],
    holding: recording.held(moment, cpu),
  };
}
