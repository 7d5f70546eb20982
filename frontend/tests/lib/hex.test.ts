import { describe, expect, it } from "vitest";
import {
  add,
  alignDown,
  compare,
  distance,
  fromBytes,
  fromNumber,
  fromHalves,
  hex,
  highHalf,
  hexShort,
  hexWide,
  int32,
  lowHalf,
  toNumber,
  u64,
  U64Column,
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

  it("is split into halves and put together again", () => {
    const value = u64("0xfedcba9876543210");
    expect([lowHalf(value), highHalf(value)]).toEqual([0x76543210, 0xfedcba98]);
    expect(fromHalves(0x76543210, 0xfedcba98)).toBe(value);
  });

  it("stands in a column as its halves do, low before high", () => {
    const column = U64Column.of([u64("0x1"), u64("0xfedcba9876543210")]).copy(3);
    expect([...column.halves]).toEqual([1, 0, 0x76543210, 0xfedcba98, 0, 0]);
    column.halves[5] = 1;
    expect(hex(column.at(2))).toBe("0x100000000");
    expect(() => column.at(3)).toThrow(RangeError);
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
