/** What all binary frames have in common: "TS", kind, version, a payload, and its checksum. The memory at moment 0 is one. */

import { crc32 } from "../lib/crc32";
import type { U64 } from "../lib/hex";
import { FrameError, Reader } from "./reader";

const HEADER_SIZE = 4;
const CHECKSUM_SIZE = 4;
const VERSION = 3;

export const enum FrameKind {
  Memory = 1,
  Steps = 2,
}

export interface MemoryRange {
  readonly address: U64;
  readonly bytes: Uint8Array;
}

/** Checks magic, version and checksum; returns a reader that stands behind the header. */
export function openFrame(frame: Uint8Array, kind: FrameKind): Reader {
  if (frame.length < HEADER_SIZE + CHECKSUM_SIZE) throw new FrameError(`a frame of ${frame.length} bytes`);
  const end = frame.length - CHECKSUM_SIZE;
  const stored = new DataView(frame.buffer, frame.byteOffset + end, CHECKSUM_SIZE).getUint32(0, true);
  const computed = crc32(frame.subarray(0, end));
  if (stored !== computed)
    throw new FrameError(`checksum ${computed.toString(16)}, frame says ${stored.toString(16)}`);
  const reader = new Reader(frame, end);
  const magic = String.fromCharCode(reader.u8(), reader.u8());
  if (magic !== "TS") throw new FrameError(`magic ${JSON.stringify(magic)}, not "TS"`);
  const found = reader.u8();
  if (found !== (kind as number)) throw new FrameError(`kind ${found}, expected ${kind}`);
  const version = reader.u8();
  if (version !== VERSION) throw new FrameError(`version ${version}, this page reads ${VERSION}`);
  return reader;
}

export function decodeMemory(frame: Uint8Array): MemoryRange[] {
  const reader = openFrame(frame, FrameKind.Memory);
  const ranges: MemoryRange[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    const address = reader.u64();
    ranges.push({ address, bytes: reader.take(reader.varint()) });
  }
  if (!reader.atEnd) throw new FrameError("bytes left after the last memory range");
  return ranges;
}
