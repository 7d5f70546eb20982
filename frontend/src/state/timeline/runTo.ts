/** When a CPU comes to an instruction: "run to here", forwards and back. */

import { add, compare, type U64 } from "../../lib/hex";
import type { Recording } from "../run/recording";
import { splitName } from "../guest/symbols";
import { countBefore } from "../run/writers";

/**
 * The nearest moment after `moment` (before it, where `direction` is -1) at which `cpu` has come to `address` and executes it
 * next: right behind its step before. Null where there is none.
 */
export function comesTo(
  recording: Recording,
  cpu: number,
  address: U64,
  moment: number,
  direction: 1 | -1 = 1,
): number | null {
  const own = recording.momentsOf(cpu);
  const arrival = (index: number): number => (index === 0 ? 0 : (own[index - 1] ?? 0) + 1);
  const start = direction > 0 ? countBefore(own, moment) + 1 : countBefore(own, moment - 1);
  for (let index = moment === 0 && direction < 0 ? -1 : start; ; index += direction) {
    const at = own[index];
    if (at === undefined) return null;
    const step = recording.step(at);
    if (step.code >= 0 && compare(step.rip, address) === 0) return arrival(index);
  }
}

/** The address that a symbol names, with an offset or without: "traced_fn+0x5"; null where there is no such symbol. */
export function addressOf(recording: Recording, text: string): U64 | null {
  const { name, offset } = splitName(text);
  const symbol = recording.guest.symbols.find(name);
  return symbol === null ? null : add(symbol.address, offset);
}

export type Destination =
  | { readonly is: "moment"; readonly moment: number }
  | { readonly is: "beyond" }
  | { readonly is: "no-symbol"; readonly name: string }
  | { readonly is: "never"; readonly name: string; readonly cpu: number };

/** What somebody types to go to: a moment's number, or a symbol that `cpu` is to come to. */
export function destination(recording: Recording, cpu: number, from: number, text: string): Destination {
  if (/^\d+$/.test(text)) {
    const moment = Number(text);
    return moment <= recording.length ? { is: "moment", moment } : { is: "beyond" };
  }
  const address = addressOf(recording, text);
  if (address === null) return { is: "no-symbol", name: text };
  const moment = comesTo(recording, cpu, address, from);
  return moment === null ? { is: "never", name: text, cpu } : { is: "moment", moment };
}
