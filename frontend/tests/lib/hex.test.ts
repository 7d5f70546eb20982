import { describe, expect, it } from "vitest";
import {
  add,
  alignDown,
  compare,
  distance,
  fromBytes,
  fromNumber,
  fromParts,
  hex,
  hexShort,
  hexWide,
  int32,
  toNumber,
  u64,
  unzigzag,
} from "../../src/lib/hex";

describe("a 64-bit value", () => {
  it.each(["0x0", "0x18", "0xffffffff81000123", "0xffffffffffffffff"])("goes through %s and back", (text) => {
    expect(hex(u64(text))).toBe(text);
  });

  it.each(["", "0x", "12", "0x12345678123456781", "0xg", "-0x1"])("is not %j", (text) => {
    expect(() => u64(text)).toThrow(RangeError);
  });

  it("wraps where the machine's would", () => {
    expect(hex(add(u64("0xffffffffffffffff"), 1))).toBe("0x0");
    expect(hex(add(fromNumber(0), -1))).toBe("0xffffffffffffffff");
  });

  it("is unzigzagged to what adding it does", () => {
    const values = [0, 1, 2, 3, 4].map((code) => hex(add(fromNumber(16), unzigzag(fromNumber(code)))));
    expect(values).toEqual(["0x10", "0xf", "0x11", "0xe", "0x12"]);
  });

  it("is put together from the parts of a LEB128 value", () => {
    expect(hex(fromParts(0xfffffff, 0xfffffff, 0xff))).toBe("0xffffffffffffffff");
    expect(hex(fromParts(1, 1, 1))).toBe("0x100000010000001");
  });

  it("is read from memory little-endian, a C int with its sign", () => {
    expect(hex(fromBytes(Uint8Array.of(0x01, 0x02)))).toBe("0x201");
    expect(int32(u64("0xffffffff"))).toBe(-1);
  });

  it("is never rounded on its way to a number", () => {
    expect(() => toNumber(u64("0xffffffff81000000"))).toThrow(RangeError);
    expect(distance(u64("0xffffffff81000010"), u64("0xffffffff81000000"))).toBe(16);
    expect(distance(u64("0xffffffff81000000"), u64("0x0"))).toBeNull();
  });

  it("is compared and aligned as unsigned", () => {
    expect(compare(u64("0xffffffff81000000"), u64("0x1"))).toBe(1);
    expect(hex(alignDown(u64("0xffffffff81009ff8"), 16))).toBe("0xffffffff81009ff0");
  });

  it("is written for people in groups, or by its last digits", () => {
    expect(hexWide(u64("0x246"))).toBe("0000 0000 0000 0246");
    expect(hexShort(u64("0xffffffff81007f88"))).toBe("…7f88");
  });
});
