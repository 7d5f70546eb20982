"""The current task's thread_info, with ftrace_int3_stack in it, or the CPUs' own stacks, as the design has it."""

from __future__ import annotations

from typing import Final

from trapscope.core.reading import Names
from trapscope.figure.canvas import Canvas
from trapscope.figure.facts.names import CONTEXTS
from trapscope.figure.facts.thread import CACHE_LINE, Field, Hole, Int3Stack, Slot, ThreadView
from trapscope.figure.theme import BODY, SMALL, TINY
from trapscope.figure.type import cut, width

_LINE: Final = 20
_TASK_STATES: Final = {0: "TASK_RUNNING", 2: "TASK_UNINTERRUPTIBLE", 128: "TASK_DEAD"}
#: Heights of a slot, by how many stacks there are to show; where there are more, a stack's head is one line.
_SLOT: Final = {1: 34, 2: 24}
_LEAST_SLOT: Final = 18
_HEADING: Final = 24


def draw_thread(
    canvas: Canvas, view: ThreadView | None, names: Names, cpu: int, moment: int, x: float, y: float, room: float
) -> float:
    """`y` is the heading's baseline; returns where it ends."""
    theme = canvas.theme
    canvas.heading(x, y, "thread_info", "" if view is None else f"of {view.task}", room=room, code=True)
    y += _HEADING
    if view is None:
        canvas.text(x, y, "No task is current.", size=SMALL, fill=theme.ink_3)
        return y
    slot = _SLOT.get(len(view.stacks), _LEAST_SLOT)
    if view.is_per_cpu:
        if slot == _LEAST_SLOT:
            canvas.text(x, y, f"{view.stacks[0].name} of each CPU", size=SMALL, fill=theme.ink, mono=True)
            y += 26
        for stack in view.stacks:
            y = _stack(canvas, stack, names, stack.cpu or 0, moment, x, y - 14, room, slot) + 20
    if len(view.stacks) <= max(_SLOT):
        for item in view.items:
            if isinstance(item, Field):
                y = _field(canvas, item, "", x, y, room)
            elif isinstance(item, Hole):
                y = _hole(canvas, item, x, y, room)
            elif view.is_per_cpu:
                canvas.text(x, y, str(item.offset), size=TINY, fill=theme.ink_3, mono=True)
                canvas.text(x + 30, y, item.name, size=SMALL, fill=theme.ink, mono=True)
                at = x + 38 + width(item.name, SMALL, mono=True)
                canvas.text(at, y, "unused in this design", size=TINY, fill=theme.ink_3)
                y += _LINE
            elif view.is_used:
                y = _stack(canvas, item, names, cpu, moment, x, y - 6, room, slot) + 26
            else:
                y = _unused(canvas, item, x, y - 6, room) + 26
        for field in view.neighbours:
            y = _field(canvas, field, "of task_struct", x, y, room)
    canvas.line(x, y - 6, x + room, y - 6, stroke=theme.rule_2, dash="4 3")
    canvas.text(x, y + 10, f"end of the {CACHE_LINE}-byte cache line", size=TINY, fill=theme.ink_3)
    stores = f"{view.stores} store{'' if view.stores == 1 else 's'} to it so far"
    canvas.text(x + room, y + 10, stores, size=TINY, fill=theme.ink_3, anchor="end")
    return y + 14


def _field(canvas: Canvas, field: Field, note: str, x: float, y: float, room: float) -> float:
    theme = canvas.theme
    if field.is_new:
        canvas.rect(x - 4, y - 14, room + 8, 19, fill=theme.mark_soft, radius=3)
    canvas.text(x, y, str(field.offset), size=TINY, fill=theme.ink_3, mono=True)
    canvas.text(x + 30, y, field.name, size=SMALL, fill=theme.ink, mono=True)
    ink = theme.ink_3
    if field.clobbered_by is not None:
        note, ink = f"by slots[{field.clobbered_by}]", theme.bad
    canvas.text(x + 38 + width(field.name, SMALL, mono=True), y, note, size=TINY, fill=ink)
    value = f"{field.value:#x}" if field.value else "0"
    if field.name == "state":
        value = _TASK_STATES.get(field.value, value)
    canvas.text(x + room, y, value, size=SMALL, fill=theme.ink_2, mono=True, anchor="end")
    return y + _LINE


def _hole(canvas: Canvas, hole: Hole, x: float, y: float, room: float) -> float:
    theme = canvas.theme
    canvas.text(x, y, str(hole.offset), size=TINY, fill=theme.ink_3, mono=True)
    canvas.rect(x + 30, y - 12, room - 30, 16, fill=theme.sunk, radius=3)
    canvas.text(x + 36, y, f"hole, {hole.size} bytes", size=TINY, fill=theme.ink_3)
    return y + _LINE


def _stack(
    canvas: Canvas, stack: Int3Stack, names: Names, cpu: int, moment: int, x: float, top: float, room: float, slot: int
) -> float:
    """The box of one int3 stack; returns its lower edge."""
    theme = canvas.theme
    brief = slot == _LEAST_SLOT
    step, head = (slot + 3, 30) if brief else (slot + 5, 62)
    height = head + 8 + len(stack.slots) * step
    canvas.rect(x, top, room, height, fill=theme.panel, stroke=theme.rule_2, radius=9)
    inner, right = x + 12, x + room - 12
    if brief:
        canvas.text(inner, top + 20, f"CPU {cpu}", size=SMALL, fill=theme.cpu(cpu), weight=500)
        _depth(canvas, stack, cpu, moment, inner + 48, top + 20, right)
    else:
        where, colour = f"at {stack.offset}, {stack.size} bytes", theme.ink_3
        if stack.cpu is not None:
            where, colour = f"of CPU {stack.cpu}", theme.cpu(stack.cpu)
        canvas.text(right, top + 24, where, size=TINY, fill=colour, anchor="end")
        named = cut(stack.name, BODY, room - 34 - width(where, TINY, mono=False), mono=True)
        canvas.text(inner, top + 24, named, size=BODY, fill=theme.ink, mono=True, weight=500)
        _depth(canvas, stack, cpu, moment, inner, top + 50, right)
    for index, held in enumerate(stack.slots):
        _slot(canvas, held, names, inner, top + head + index * step, right - inner, slot, cpu)
    return top + height


def _unused(canvas: Canvas, stack: Int3Stack, x: float, top: float, room: float) -> float:
    """A stack that no step of the design touches, as a plan: there is room for it, and nothing in it."""
    theme, step = canvas.theme, 22
    height = 58 + len(stack.slots) * step
    inner, right = x + 12, x + room - 12
    for left, up, to, down in (
        (x, top, x + room, top), (x, top + height, x + room, top + height),
        (x, top, x, top + height), (x + room, top, x + room, top + height),
    ):  # fmt: skip
        canvas.line(left, up, to, down, stroke=theme.rule_2, dash="4 3")
    note = "unused in this design"
    canvas.text(right, top + 22, note, size=TINY, fill=theme.ink_3, anchor="end")
    named = cut(stack.name, SMALL, room - 34 - width(note, TINY, mono=False), mono=True)
    canvas.text(inner, top + 22, named, size=SMALL, fill=theme.ink_3, mono=True)
    canvas.text(inner, top + 44, "depth", size=SMALL, fill=theme.ink_3, mono=True)
    canvas.text(right, top + 44, str(stack.count), size=SMALL, fill=theme.ink_3, mono=True, anchor="end")
    for slot in stack.slots:
        y = top + 44 + (slot.index + 1) * step
        canvas.text(inner, y, f"slots[{slot.index}]", size=SMALL, fill=theme.ink_3, mono=True)
    return top + height


def _depth(canvas: Canvas, stack: Int3Stack, cpu: int, moment: int, x: float, y: float, right: float) -> None:
    theme, depth = canvas.theme, stack.depth
    if depth.is_new:
        canvas.rect(x - 6, y - 17, right - x + 12, 23, fill=theme.mark_soft, radius=4)
    canvas.text(x, y, "depth", size=SMALL, fill=theme.ink, mono=True)
    canvas.text(x + 46, y + 1, str(stack.count), size=20, fill=theme.cpu(cpu), mono=True, weight=500)
    at = x + 54 + width(str(stack.count), 20, mono=True)
    for slot in stack.slots:
        canvas.rect(at, y - 8, 13, 5, fill=theme.process if slot.is_full else theme.rule, radius=2.5)
        at += 16
    if depth.writer is not None and at < right - 130:
        ago = moment - depth.writer - 1
        when = "just now" if ago == 0 else f"{ago} step{'' if ago == 1 else 's'} ago"
        was = (depth.was ^ 1 << 31) - (1 << 31)
        canvas.text(right, y, f"{was} → {stack.count}, {when}", size=TINY, fill=theme.ink_3, anchor="end")


def _slot(canvas: Canvas, slot: Slot, names: Names, x: float, top: float, room: float, height: int, cpu: int) -> None:
    theme = canvas.theme
    colour = theme.process if slot.context is None else theme.context(slot.context)
    fill = theme.mark_soft if slot.is_new else theme.sunk if slot.is_full else "none"
    canvas.rect(x, top, room, height, fill=fill, stroke=colour if slot.is_full else theme.rule, radius=6)
    if slot.is_full:
        canvas.rect(x, top, 3.5, height, fill=colour, radius=1.5)
    ink, y = theme.ink if slot.is_full else theme.ghost, top + height / 2 + 4
    canvas.text(x + 10, y, f"slots[{slot.index}]", size=SMALL, fill=ink, mono=True)
    loose = "not counted by depth" if slot.is_between else "left over"
    note = loose if slot.value and not slot.is_full else ""
    if slot.is_full and slot.context is not None:
        note = CONTEXTS[slot.context]
    note_fill = colour if slot.is_full else theme.ink_3
    canvas.text(x + room - 10, y, note, size=TINY, fill=note_fill, weight=500 if slot.is_full else 400, anchor="end")
    if slot.is_full or slot.value:
        left = room - 100 - width(note, TINY, mono=False)
        canvas.text(x + 84, y, cut(names.word(slot.value), SMALL, left, mono=True), size=SMALL, fill=ink, mono=True)
    if slot.is_top and height > _LEAST_SLOT:
        canvas.rect(x + room - 36, top - 8, 28, 14, fill=theme.panel)
        canvas.text(x + room - 22, top + 3, "top", size=10, fill=theme.cpu(cpu), weight=500, anchor="middle")
