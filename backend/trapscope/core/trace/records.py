"""Steps as the bytes that a run's hash is made of: every field, little-endian, lengths before what varies in length.

A step is `cpu u8, is a delivery u8, rip u64, vector i16, error code i32, length of the code u8, changes u8`, the code's
bytes, per changed register `register u8, old u64, new u64`, per write `address u64, size u8, old bytes, new bytes`, and
per store to a device, which its address tells from a write, `address u64, size u8, new bytes`.
They follow each other without gaps, so that it makes no difference in how many pieces they come.
"""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trapscope.core.machine import Code
from trapscope.core.trace.columns import Columns
from trapscope.core.types import DeviceWrite

_HEAD: Final = np.dtype(
    [
        ("cpu", "u1"),
        ("delivery", "u1"),
        ("rip", "<u8"),
        ("vector", "<i2"),
        ("error_code", "<u4"),
        ("length", "u1"),
        ("changes", "u1"),
    ]
)
_NO_ERROR_CODE: Final = 0xFFFFFFFF
_CHANGE: Final = np.dtype([("register", "u1"), ("old", "<u8"), ("new", "<u8")])
_WRITE: Final = np.dtype([("address", "<u8"), ("size", "u1")])
_LONGEST_CODE: Final = 15
_LONGEST_WRITE: Final = 8

_Counts = NDArray[np.int64]


def records(steps: Columns, codes: list[Code]) -> bytes:
    """The bytes of steps as `Trace.between` gives them, one at least; `codes` is what `steps.code` indexes."""
    rips, texts, lengths = _decoded(steps, codes)
    changes, writes = np.diff(steps.change_end), np.diff(steps.write_end)
    sizes = steps.write_size.astype(np.int64)
    written = np.concatenate(([0], np.cumsum(_WRITE.itemsize + 2 * sizes)))
    after_head = _HEAD.itemsize + lengths
    after_changes = after_head + _CHANGE.itemsize * changes
    device = {at: b"".join(map(_device_write, writes)) for at, writes in steps.device.items()}
    device_bytes = np.zeros(len(changes), np.int64)
    device_bytes[list(device)] = [len(record) for record in device.values()]
    ends = np.cumsum(after_changes + np.diff(written[steps.write_end]) + device_bytes)
    starts = np.concatenate(([0], ends[:-1]))
    out = np.zeros(ends[-1], np.uint8)
    _put(out, starts, _heads(steps, rips, lengths, changes))
    _put_parts(out, starts + _HEAD.itemsize, texts, lengths)
    of_step = np.repeat(np.arange(len(changes)), changes)
    nth = np.arange(len(of_step)) - steps.change_end[of_step]
    _put(out, (starts + after_head)[of_step] + _CHANGE.itemsize * nth, _changes(steps))
    of_step = np.repeat(np.arange(len(writes)), writes)
    at = (starts + after_changes)[of_step] + written[:-1] - written[steps.write_end[of_step]]
    _put(out, at, _writes(steps))
    _put_parts(out, at + _WRITE.itemsize, _bytes_of(steps.write_old), sizes)
    _put_parts(out, at + _WRITE.itemsize + sizes, _bytes_of(steps.write_new), sizes)
    for step, record in device.items():
        out[ends[step] - len(record) : ends[step]] = np.frombuffer(record, np.uint8)
    return out.tobytes()


def _decoded(steps: Columns, codes: list[Code]) -> tuple[NDArray[np.uint64], NDArray[np.uint8], _Counts]:
    """Per step: where it was decoded, the bytes, padded, and how many they are."""
    used, index = np.unique(steps.code, return_inverse=True)
    decoded = [codes[number] for number in used.tolist()]
    texts = b"".join(code.ljust(_LONGEST_CODE, b"\0") for _, code in decoded)
    return (
        np.array([rip for rip, _ in decoded], np.uint64)[index],
        np.frombuffer(texts, np.uint8).reshape(-1, _LONGEST_CODE)[index],
        np.array([len(code) for _, code in decoded], np.int64)[index],
    )


def _heads(steps: Columns, rips: NDArray[np.uint64], lengths: _Counts, changes: _Counts) -> NDArray[Any]:
    heads = np.zeros(len(rips), _HEAD)
    heads["cpu"], heads["delivery"], heads["vector"] = steps.cpu, steps.vector >= 0, steps.vector
    heads["rip"], heads["length"], heads["changes"] = rips, lengths, changes
    heads["error_code"] = _NO_ERROR_CODE
    for at, error_code in steps.error_code.items():
        heads["error_code"][at] = error_code
    return heads


def _changes(steps: Columns) -> NDArray[Any]:
    rows = np.zeros(len(steps.register), _CHANGE)
    rows["register"], rows["old"], rows["new"] = steps.register, steps.reg_old, steps.reg_new
    return rows


def _writes(steps: Columns) -> NDArray[Any]:
    rows = np.zeros(len(steps.write_addr), _WRITE)
    rows["address"], rows["size"] = steps.write_addr, steps.write_size
    return rows


def _device_write(write: DeviceWrite) -> bytes:
    return struct.pack("<QB", write.addr, len(write.new)) + write.new


def _put(out: NDArray[np.uint8], at: _Counts, rows: NDArray[Any]) -> None:
    """Each row's bytes at its place."""
    width = rows.dtype.itemsize
    out[at[:, None] + np.arange(width)] = rows.view(np.uint8).reshape(-1, width)


def _put_parts(out: NDArray[np.uint8], at: _Counts, rows: NDArray[np.uint8], lengths: _Counts) -> None:
    """The first bytes of each row, as many as its length says, at its place."""
    columns = np.arange(rows.shape[1])
    wanted = columns < lengths[:, None]
    out[(at[:, None] + columns)[wanted]] = rows[wanted]


def _bytes_of(values: NDArray[np.uint64]) -> NDArray[np.uint8]:
    return values.astype("<u8").view(np.uint8).reshape(-1, _LONGEST_WRITE)
