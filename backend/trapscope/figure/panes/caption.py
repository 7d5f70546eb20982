"""What the figure is of, what has just happened, and how to make it again."""

from __future__ import annotations

from trapscope import __version__
from trapscope.core.session.catalogue import CATALOGUE
from trapscope.core.types import Severity
from trapscope.figure.canvas import Canvas
from trapscope.figure.facts.passage import passage_at
from trapscope.figure.facts.story import Story, finding_text
from trapscope.figure.scene import Scene
from trapscope.figure.theme import SMALL, STORY, TINY, TITLE
from trapscope.figure.type import cut, cut_runs, width, wrap


def name_of(scene: Scene) -> str:
    """`first-call · thread · moment 296 of 748`: what it takes to name the figure."""
    spec = scene.spec
    parts = [spec.scenario, spec.design, *spec.variants, f"{spec.fetch} fetch"]
    return f"{' · '.join(parts)} · moment {scene.moment:,} of {len(scene.session.trace):,}"


def draw_header(canvas: Canvas, scene: Scene, x: float, y: float, room: float) -> None:
    """The scenario's question, and the run's name; `y` is the baseline."""
    theme = canvas.theme
    named = name_of(scene)
    canvas.text(x + room, y, named, size=SMALL, fill=theme.ink_2, anchor="end", weight=500)
    question = CATALOGUE[scene.spec.scenario].question
    left = room - width(named, SMALL, mono=False) - 30
    canvas.text(x, y, cut(question, TITLE, left, mono=False), size=TITLE, fill=theme.ink)


def draw_story(canvas: Canvas, scene: Scene, story: Story, x: float, y: float, room: float, height: float) -> None:
    """The story's sentence, with what it shows of the patch beside it, in the middle of a height from `y` on."""
    theme = canvas.theme
    told = room - 500
    lines = wrap(story.sentence, STORY, told, 3)
    findings = story.findings[: 1 if len(lines) > 2 else 2]
    used = 23 * len(lines) + (20 if story.detail else 0) + (6 + 24 * len(findings) if findings else 0)
    at = y + (height - used) / 2 + 17
    for line in lines:
        canvas.rich(x, at, line, size=STORY, fill=theme.ink, code=theme.cpu_0)
        at += 23
    if story.detail:
        canvas.rich(x, at - 2, cut_runs(story.detail, SMALL, told), size=SMALL, fill=theme.ink_3, code=theme.ink_2)
        at += 20
    at += 6
    for finding in findings:
        note = finding.severity is Severity.NOTE
        canvas.rect(x, at - 15, told, 21, fill=theme.sunk if note else theme.bad_fill)
        canvas.rect(x, at - 15, 3, 21, fill=theme.rule_strong if note else theme.bad)
        line = cut_runs(finding_text(finding), SMALL, told - 20)
        canvas.rich(x + 11, at, line, size=SMALL, fill=theme.ink, code=theme.ink)
        at += 24
    passage = passage_at(scene)
    if passage is None:
        return
    quote = wrap(f"“{passage}”", SMALL, 440, 5)
    left, top = x + room - 446, y + height / 2 - 9 * len(quote)
    canvas.rect(left - 16, top - 2, 2, 18 * len(quote) + 2, fill=theme.rule_2)
    for number, line in enumerate(quote):
        canvas.rich(left, top + 12 + 18 * number, line, size=SMALL, fill=theme.ink_2, code=theme.ink_2)


def draw_footer(canvas: Canvas, scene: Scene, x: float, y: float, room: float) -> None:
    """The schedule that makes the run again, and the hashes that name guest and trace; `y` is the baseline."""
    theme, session = canvas.theme, scene.session
    names = f"trapscope {__version__} · guest {session.image.sha256[:8]} · trace {session.hash[:8]}"
    canvas.text(x + room, y, names, size=TINY, fill=theme.ink_3, anchor="end")
    canvas.text(x, y, "schedule", size=TINY, fill=theme.ink_3)
    left = room - width(names, TINY, mono=False) - 90
    canvas.text(x + 60, y, cut(session.schedule, TINY, left, mono=True), size=TINY, fill=theme.ink_2, mono=True)
