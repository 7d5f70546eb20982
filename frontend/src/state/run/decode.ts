/**
 * The five bytes of a patch site as instructions: int3, nop, call, jmp, or something that is none of them.
 *
 * Only the forms that ftrace writes are known here, and the ud2 that a nop's first byte makes of a call's tail. The bytes
 * are the machine's, so a torn mixture is shown as what it is.
 */

import { bytesToHex } from "../../lib/bytes";
import { add, fromBytes, hex, int32, type U64 } from "../../lib/hex";
import type { SymbolTable } from "../guest/symbols";

export const SITE_SIZE = 5; // bytes, MCOUNT_INSN_SIZE

export type SiteInsn =
  | { readonly kind: "int3" }
  | { readonly kind: "nop" }
  | { readonly kind: "ud2" }
  | { readonly kind: "call" | "jmp"; readonly target: U64; readonly name: string | null }
  | { readonly kind: "unknown" };

const NOPS = new Set(["0f1f440000", "6666666690"]);

export function decodeSite(bytes: Uint8Array, address: U64, symbols: SymbolTable): SiteInsn {
  const [opcode] = bytes;
  if (opcode === 0xcc) return { kind: "int3" };
  if (bytes.length < SITE_SIZE) return { kind: "unknown" };
  if (NOPS.has(bytesToHex(bytes.subarray(0, SITE_SIZE)))) return { kind: "nop" };
  if (opcode === 0x0f && bytes[1] === 0x0b) return { kind: "ud2" };
  if (opcode === 0xe8 || opcode === 0xe9) {
    const target = add(address, SITE_SIZE + int32(fromBytes(bytes.subarray(1, SITE_SIZE))));
    return { kind: opcode === 0xe8 ? "call" : "jmp", target, name: symbols.name(target) };
  }
  return { kind: "unknown" };
}

/** As an assembler would write it. */
export function siteText(insn: SiteInsn): string {
  switch (insn.kind) {
    case "int3":
    case "nop":
    case "ud2":
      return insn.kind;
    case "call":
    case "jmp":
      return `${insn.kind} ${insn.name ?? hex(insn.target)}`;
    case "unknown":
      return "no instruction of ftrace’s";
  }
}
