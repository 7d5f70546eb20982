"""The patch site: five bytes, what each CPU would decode there, the protocol's passes."""

from __future__ import annotations

from typing import Final

from trapscope.figure.canvas import Canvas
from trapscope.figure.facts.site import NO_INSN, Decoded, Pass, SiteView
from trapscope.figure.theme import BYTE, SMALL, TINY
from trapscope.figure.type import cut, cut_runs, width

_BYTE_WIDTH: Final = 52
_BYTE_HEIGHT: Final = 44
_BYTE_STEP: Final = 57
_PASSES_AT: Final = 318
_PASS: Final = 20
_LINE: Final = 18
_HEADING: Final = 24


def site_height(view: SiteView | None) -> float:
    """From the heading's baseline to the last line's."""
    return _HEADING + (0 if view is None else max(6 * _PASS - 6, _BYTE_HEIGHT + 40 + _LINE * (len(view.decodes) - 1)))


def draw_site(canvas: Canvas, view: SiteView | None, x: float, y: float, room: float) -> None:
    """`y` is the heading's baseline."""
    canvas.heading(x, y, "The patch site", "" if view is None else view.name, room=room)
    top = y + _HEADING - 10
    if view is None:
        canvas.text(x, top + 12, "No site has been touched in this run.", size=SMALL, fill=canvas.theme.ink_3)
        return
    _bytes(canvas, view, x, top)
    for index, decoded in enumerate(view.decodes):
        _decoded(canvas, decoded, x, top + _BYTE_HEIGHT + 40 + index * _LINE)
    for index, line in enumerate(view.passes):
        _pass(canvas, line, x + _PASSES_AT, top + 14 + index * _PASS, room - _PASSES_AT)


def _bytes(canvas: Canvas, view: SiteView, x: float, top: float) -> None:
    theme = canvas.theme
    for index, byte in enumerate(view.held):
        left = x + index * _BYTE_STEP
        border = theme.poke if byte.is_poked else theme.rule_2
        canvas.rect(
            left, top, _BYTE_WIDTH, _BYTE_HEIGHT, fill=theme.poke_fill if byte.is_poked else theme.panel, stroke=border,
            radius=7, stroke_width=2.5 if byte.was is not None else 1,
        )  # fmt: skip
        middle = left + _BYTE_WIDTH / 2
        ink = theme.poke if byte.is_poked else theme.ink
        canvas.text(middle, top + 29, f"{byte.value:02x}", size=BYTE, fill=ink, mono=True, weight=500, anchor="middle")
        below = f"+{index}" if index or view.insn == NO_INSN else view.insn.partition(" ")[0]
        if byte.was is not None:
            below = f"{byte.was:02x}"
        canvas.text(
            middle, top + _BYTE_HEIGHT + 15, below, size=TINY, fill=theme.ink_3, mono=True, anchor="middle",
            struck=byte.was is not None,
        )  # fmt: skip


def _decoded(canvas: Canvas, decoded: Decoded, x: float, y: float) -> None:
    theme = canvas.theme
    name = f"CPU {decoded.cpu}"
    canvas.text(x, y, name, size=SMALL, fill=theme.cpu(decoded.cpu), weight=500)
    at = x + width(name, SMALL, mono=False) + 6
    end = x + _PASSES_AT - 14
    if decoded.seen is None:
        told = f"{'decoded' if decoded.is_past else 'would decode'} `{decoded.text}`"
        canvas.rich(at, y, cut_runs(told, SMALL, end - at), size=SMALL, fill=theme.ink_2, code=theme.ink)
        return
    for index, byte in enumerate(decoded.seen):
        stale = index in decoded.stale
        canvas.text(at, y, f"{byte:02x}", size=SMALL, fill=theme.poke if stale else theme.ink_2, mono=True)
        if stale:
            canvas.line(at, y + 3, at + width("00", SMALL, mono=True), y + 3, stroke=theme.poke)
        at += width("00 ", SMALL, mono=True)
    at += 6
    canvas.text(at, y, cut(decoded.text, SMALL, end - at, mono=True), size=SMALL, fill=theme.ink, mono=True)


def _pass(canvas: Canvas, line: Pass, x: float, y: float, room: float) -> None:
    theme = canvas.theme
    now = line.state == "now"
    ink = theme.ink if now else theme.ink_3
    if now:
        canvas.circle(x + 4, y - 4, 6.5, fill=theme.poke_fill)
        canvas.circle(x + 4, y - 4, 3.5, fill=theme.poke)
    else:
        canvas.circle(x + 4, y - 4, 3.5, fill=theme.ink_3 if line.state == "done" else "none", stroke=theme.ink_3)
    canvas.text(x + 20, y, line.name, size=SMALL, fill=ink, mono=True)
    if line.state == "never":
        canvas.text(x + 118, y, cut("not in this run", SMALL, room - 118, mono=False), size=SMALL, fill=theme.ink_3)
    elif line.is_waiting:
        canvas.text(x + 118, y, cut("waiting for the others", SMALL, room - 118, mono=False), size=SMALL, fill=ink)
    elif line.held is not None:
        canvas.text(x + 118, y, line.held.hex(" "), size=SMALL, fill=ink, mono=True)
