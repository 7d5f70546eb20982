"""The current task's first cache line: thread_info with the int3 stack in it, and its neighbour.

Everything is read through %gs:current_task and the structures' own layouts, as the guest's assembly does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from trapscope.core.image.layout import Member, StructLayout
from trapscope.core.lens import events as lens
from trapscope.core.types import GS_BASE, Context, Step
from trapscope.figure.scene import Scene, held

CACHE_LINE: Final = 64
_WORD: Final = 8
_STACK: Final = "ftrace_int3_stack"
#: Where the design `percpu` keeps it instead.
_PER_CPU_STACK: Final = "ftrace_int3_percpu_stack"


@dataclass(frozen=True, slots=True)
class Field:
    """A member as it stands in memory; `was` is what it held before its last writer, which is None before moment 0."""

    name: str
    offset: int
    size: int
    value: int
    was: int
    writer: int | None
    is_new: bool
    clobbered_by: int | None
    """The index of the slot whose push stored here, though this is none of the slots."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Bytes that alignment leaves free."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Slot:
    """`context` is the one that pushed it; None while the slot is free."""

    index: int
    value: int
    context: Context | None
    is_full: bool
    is_between: bool
    """A push or a pop is half done: the address is there, and depth does not count it."""
    is_top: bool
    is_new: bool


@dataclass(frozen=True, slots=True)
class Int3Stack:
    """struct ftrace_int3_stack, `offset` bytes into what is shown around it; `cpu` is whose, where it is a CPU's."""

    name: str
    offset: int
    size: int
    cpu: int | None
    depth: Field
    count: int
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class ThreadView:
    """`stacks` are those of this design: the task's own, or every CPU's.

    Not `is_used`: the design leaves the task's own alone, which lies there all the same.
    """

    task: str
    items: tuple[Field | Hole | Int3Stack, ...]
    stacks: tuple[Int3Stack, ...]
    is_per_cpu: bool
    is_used: bool
    neighbours: tuple[Field, ...]
    stores: int


def thread_view(scene: Scene) -> ThreadView | None:
    """None where no task is current."""
    image = scene.image
    address = scene.word(scene.state.regs[scene.cpu][GS_BASE] + image.symbol("current_task").address)
    if image.locate(address) is None:
        return None
    task, info = image.struct("task_struct"), image.struct("thread_info")
    comm = scene.held(address + task.member("comm").offset, task.member("comm").size)
    base = task.member("thread_info").offset
    items = tuple(_items(scene, address, base, info))
    per_cpu = scene.spec.design == "percpu"
    is_used = scene.spec.design == "thread"
    own = (item for item in items if isinstance(item, Int3Stack) and is_used)
    stacks = tuple(_per_cpu(scene)) if per_cpu else tuple(own)
    behind = [m for m in task.members if m.name != "thread_info" and m.offset < CACHE_LINE]
    return ThreadView(
        comm.split(b"\0")[0].decode("ascii", "replace"),
        items,
        stacks,
        per_cpu,
        is_used,
        tuple(_field(scene, address, member.offset, member) for member in behind),
        len(scene.reading.writers(address, CACHE_LINE, scene.moment)),
    )


def _items(scene: Scene, address: int, base: int, info: StructLayout) -> Iterator[Field | Hole | Int3Stack]:
    """Members in order, with the holes between them."""
    end = 0
    for member in info.members:
        if member.offset > end:
            yield Hole(base + end, member.offset - end)
        if member.name == _STACK:
            yield _stack(scene, address + base + member.offset, _STACK, base + member.offset, None)
        else:
            yield _field(scene, address, base + member.offset, member)
        end = member.offset + member.size


def _per_cpu(scene: Scene) -> Iterator[Int3Stack]:
    offset = scene.image.symbol(_PER_CPU_STACK).address
    for cpu, regs in enumerate(scene.state.regs):
        yield _stack(scene, regs[GS_BASE] + offset, _PER_CPU_STACK, offset, cpu)


def _stack(scene: Scene, base: int, name: str, offset: int, cpu: int | None) -> Int3Stack:
    layout = scene.image.struct(_STACK)
    slots_of = layout.member("slots")
    depth = _field(scene, base, layout.member("depth").offset, layout.member("depth"))
    count = (depth.value ^ 1 << 31) - (1 << 31)
    slots = []
    for index in range(slots_of.extents[0]):
        at = base + slots_of.offset + index * slots_of.element_size
        full = index < count
        words = at, base + depth.offset
        context = _pusher(scene, index, words) if full else None
        between = not full and _is_half_done(scene, index, words)
        new = scene.is_new(scene.reading.writer(at, scene.moment))
        slots.append(Slot(index, scene.word(at), context, full, between, index == count - 1, new))
    return Int3Stack(name, offset, layout.size, cpu, depth, count, tuple(slots))


def _pusher(scene: Scene, index: int, words: tuple[int, int]) -> Context | None:
    """The context whose push of this slot has not been popped; `words` are the addresses of the slot and of depth."""
    for event in scene.events(lens.StackAccess):
        if event.index == index and event.addr in words and isinstance(event, lens.SlotPushed | lens.SlotPopped):
            return event.context if isinstance(event, lens.SlotPushed) else None
    return None


def _is_half_done(scene: Scene, index: int, words: tuple[int, int]) -> bool:
    """Whether the last that was done with this slot is the first half of a push or a pop."""
    mine = (event for event in scene.events(lens.StackAccess) if event.index == index and event.addr in words)
    return isinstance(next(mine, None), lens.PushBegun | lens.PopBegun)


def _field(scene: Scene, base: int, offset: int, member: Member) -> Field:
    at, size = base + offset, min(member.size, _WORD)
    now = scene.held(at, size)
    writer = scene.reading.writer(at, scene.moment, size)
    was = now
    if writer is not None:
        was = held(scene.session.trace.seek(writer.moment), at, size)
    return Field(
        member.name, offset, member.size, int.from_bytes(now, "little"), int.from_bytes(was, "little"),
        None if writer is None else writer.moment, scene.is_new(writer), _stray_push(scene, writer, at, size),
    )  # fmt: skip


def _stray_push(scene: Scene, writer: Step | None, at: int, size: int) -> int | None:
    """The index of the slot that the step pushed to, where that slot lies in `[at, at + size)`."""
    if writer is None:
        return None
    pushes = (e for e in scene.session.events if isinstance(e, lens.SlotPushed | lens.PushBegun))
    return next(
        (e.index for e in pushes if e.moment == writer.moment and e.access == "slot" and -_WORD < e.addr - at < size),
        None,
    )
