"""A moment of a run as SVG, for slides and papers: the drawing that the stage makes of it.

A pure function of run, moment and theme: the same on the command line and from the server, byte for byte. The whole is
16:9; each part can be had alone, then as high as it needs to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

from trapscope.core.errors import BadInput
from trapscope.core.reading import Reading
from trapscope.core.telling import Copy
from trapscope.figure.canvas import Canvas
from trapscope.figure.facts.code import code_view
from trapscope.figure.facts.rows import StackView, stack_view
from trapscope.figure.facts.site import SiteView, site_view
from trapscope.figure.facts.story import Story, story_at
from trapscope.figure.facts.thread import ThreadView, thread_view
from trapscope.figure.panes.caption import draw_footer, draw_header, draw_story, name_of
from trapscope.figure.panes.code import draw_code
from trapscope.figure.panes.site import draw_site, site_height
from trapscope.figure.panes.stack import StackPane
from trapscope.figure.panes.thread import draw_thread
from trapscope.figure.scene import Scene
from trapscope.figure.theme import THEMES, ThemeName

Part = Literal["all", "code", "site", "stack", "thread-info"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)

_WIDTH: Final = 1440
_HEIGHT: Final = 810
_HEADER: Final = 50
_CAPTION: Final = 652
_FOOTER: Final = 768
_MARGIN: Final = 20
#: Where the middle and the right pane begin.
_MIDDLE: Final = 432
_RIGHT: Final = 1108
_TITLE: Final = 22


def draw(
    reading: Reading, moment: int, sources: Mapping[str, str], copy: Copy, *, theme: ThemeName = "light",
    part: Part = "all", cpu: int | None = None,
) -> str:  # fmt: skip
    """The figure; raises BadInput for a moment or a CPU that the run does not have.

    `sources` are the guest's, by path; `copy` has the words; `cpu` is whose code and stack are shown: who made the last
    step, if not given.
    """
    length, cpus = len(reading.session.trace), reading.session.spec.cpus
    if not 0 <= moment <= length:
        raise BadInput(f"this run has no moment {moment}: its moments are 0 to {length}")
    if cpu is not None and not 0 <= cpu < cpus:
        raise BadInput(f"this run has no CPU {cpu}: its CPUs are 0 to {cpus - 1}")
    scene = Scene.at(reading, moment, cpu, sources, copy)
    return _Figure(scene, Canvas(THEMES[theme])).part(part)


class _Figure:
    """The facts of one moment, and where they go."""

    def __init__(self, scene: Scene, canvas: Canvas) -> None:
        self._scene, self._canvas = scene, canvas
        self._story: Story = story_at(scene)
        self._site: SiteView | None = site_view(scene)
        self._thread: ThreadView | None = thread_view(scene)
        self._view: StackView = stack_view(scene)

    def part(self, part: Part) -> str:
        """The document."""
        margin, right = _MARGIN, _WIDTH - _RIGHT
        match part:
            case "all":
                self._draw_all()
                return self._document(0, 0, _WIDTH, _HEIGHT)
            case "code":
                self._draw_code(margin, margin + 12, _MIDDLE - margin - 16, 600)
                return self._document(0, 0, _MIDDLE, 600 + margin)
            case "site":
                draw_site(self._canvas, self._site, margin, margin + 12, _RIGHT - _MIDDLE - 2 * margin)
                return self._document(0, 0, _RIGHT - _MIDDLE, margin + 12 + site_height(self._site) + margin)
            case "stack":
                stack = self._stack(margin, _RIGHT - _MIDDLE - 2 * margin)
                bottom = margin + 12 + stack.height()
                stack.draw(margin + 12, bottom, self._task)
                return self._document(0, 0, _RIGHT - _MIDDLE, bottom + margin - 10)
            case "thread-info":
                bottom = self._draw_thread(margin, margin + 12, right - 2 * margin)
                return self._document(0, 0, right, bottom + margin)

    @property
    def _task(self) -> str:
        return "" if self._thread is None else self._thread.task

    def _draw_all(self) -> None:
        canvas, rule = self._canvas, self._canvas.theme.rule
        width = _WIDTH - 2 * _MARGIN
        draw_header(canvas, self._scene, _MARGIN, 32, width)
        for y in (_HEADER, _CAPTION, _FOOTER):
            canvas.line(0, y + 0.5, _WIDTH, y + 0.5, stroke=rule)
        for x in (_MIDDLE, _RIGHT):
            canvas.line(x + 0.5, _HEADER, x + 0.5, _CAPTION, stroke=rule)
        top = _HEADER + _TITLE
        self._draw_code(_MARGIN, top, _MIDDLE - _MARGIN - 16, _CAPTION - 6)
        left, room = _MIDDLE + _MARGIN, _RIGHT - _MIDDLE - 2 * _MARGIN
        draw_site(canvas, self._site, left, top, room)
        below = top + site_height(self._site) + 14
        canvas.line(_MIDDLE, below + 0.5, _RIGHT, below + 0.5, stroke=rule)
        self._stack(left, room).draw(below + _TITLE, _CAPTION - 8, self._task)
        self._draw_thread(_RIGHT + _MARGIN, top, _WIDTH - _RIGHT - 2 * _MARGIN)
        draw_story(canvas, self._scene, self._story, _MARGIN, _CAPTION, width, _FOOTER - _CAPTION)
        draw_footer(canvas, self._scene, _MARGIN, _FOOTER + 26, width)

    def _draw_code(self, x: float, y: float, room: float, bottom: float) -> None:
        draw_code(self._canvas, code_view(self._scene), self._scene.cpu, x, y, room, bottom)

    def _draw_thread(self, x: float, y: float, room: float) -> float:
        scene = self._scene
        return draw_thread(self._canvas, self._thread, scene.names, scene.cpu, scene.moment, x, y, room)

    def _stack(self, x: float, room: float) -> StackPane:
        return StackPane(self._canvas, self._view, self._scene.names, self._scene.cpu, x, room)

    def _document(self, x: float, y: float, width: float, height: float) -> str:
        return self._canvas.document(x, y, width, height, name_of(self._scene), self._description())

    def _description(self) -> str:
        """The picture in words."""
        told = [self._story.sentence.replace("`", "")]
        if self._site is not None:
            held = " ".join(f"{byte.value:02x}" for byte in self._site.held)
            told.append(f"The patch site {self._site.name} holds {held}.")
        names = self._scene.names
        told += [f"An iret frame leads to {names.word(frame.ip.value)}." for frame in self._view.frames]
        if self._thread is not None:
            told += [f"{stack.name} has depth {stack.count}." for stack in self._thread.stacks]
        return " ".join(told)
