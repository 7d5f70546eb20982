import { describe, expect, it } from "vitest";
import { hexToBytes } from "../../../src/lib/bytes";
import { u64 } from "../../../src/lib/hex";
import { decodeSite, siteText } from "../../../src/state/run/decode";
import { SymbolTable } from "../../../src/state/guest/symbols";

const SITE = u64("0xffffffff81000100");
const symbols = new SymbolTable([
  { name: "ftrace_regs_caller", address: "0xffffffff81000700", size: 0x100, per_cpu: false },
]);
const text = (bytes: string): string => siteText(decodeSite(hexToBytes(bytes), SITE, symbols));

describe("the five bytes of a site", () => {
  it.each([
    ["0f1f440000", "nop"],
    ["6666666690", "nop"],
    ["0f0bdaffff", "ud2"],
    ["cc1f440000", "int3"],
    ["cc00000000", "int3"],
    ["e8fb050000", "call ftrace_regs_caller"],
    ["e9fb050000", "jmp ftrace_regs_caller"],
  ])("%s are %s", (bytes, insn) => {
    expect(text(bytes)).toBe(insn);
  });

  it("that are torn are no instruction of ftrace's", () => {
    expect(decodeSite(hexToBytes("0ffb050000"), SITE, symbols).kind).toBe("unknown");
  });

  it("say a call's target by number where no symbol is", () => {
    expect(decodeSite(hexToBytes("e800000010"), SITE, symbols)).toMatchObject({ kind: "call", name: null });
  });
});
