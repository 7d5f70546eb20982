"""The figure of a moment: every value from the state, the same bytes each time, nothing on top of anything else."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.core.lens.played import played
from trapscope import assets
from trapscope.copy import english
from trapscope.core.errors import BadInput
from trapscope.core.image import Image
from trapscope.core.lens import events as lens
from trapscope.core.reading import Reading
from trapscope.core.session import Session
from trapscope.core.session.catalogue import resolve
from trapscope.core.types import FetchModel
from trapscope.figure import PARTS, THEMES, Part, draw
from trapscope.figure.canvas import Canvas
from trapscope.figure.type import CODE_SCALE, width

TOKENS = Path(__file__).resolve().parents[2] / "frontend/src/styles/tokens.css"
#: Where the panes end and the caption begins.
CAPTION = 652
SVG = "{http://www.w3.org/2000/svg}"
#: Runs that between them have every design, every stack, every kind of site, two to four CPUs, and findings.
RUNS: list[tuple[str, str, tuple[str, ...], str]] = [
    ("first-call", "thread", (), "coherent"),
    ("first-call", "gap", (), "coherent"),
    ("first-call", "percpu", (), "coherent"),
    ("livepatch-window", "skip", (), "coherent"),
    ("four-contexts", "thread", (), "coherent"),
    ("four-contexts", "gap", (), "coherent"),
    ("nmi-in-nmi", "thread", (), "coherent"),
    ("fifth", "thread", ("unchecked-depth",), "coherent"),
    ("preempt-migrate", "percpu", (), "coherent"),
    ("fork", "thread", (), "coherent"),
    ("trampoline-site", "thread", (), "coherent"),
    ("torn", "thread", ("no-sync-1",), "weak"),
    ("two-sites", "percpu", (), "coherent"),
]


@cache
def reading_of(image: Image, scenario: str, design: str, variants: tuple[str, ...], fetch: str) -> Reading:
    return Reading(played(image, scenario, design, *variants, fetch=fetch))


@cache
def sources() -> dict[str, str]:
    return assets.sources()


def texts(svg: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter(f"{SVG}text"))


def said(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in texts(svg)]


def beats(reading: Reading) -> list[int]:
    """A moment of each kind of event, both ends, and some in between."""
    first = {event.name: event.moment + 1 for event in reversed(reading.session.events)}
    last = {event.name: event.moment + 1 for event in reading.session.events}
    length = len(reading.session.trace)
    return sorted({0, 1, length, *first.values(), *last.values(), *range(0, length, 211)})


def test_the_colours_are_the_pages(image: Image) -> None:
    told = dict(re.findall(r"--([\w-]+): light-dark\((.*)\);", TOKENS.read_text()))
    assert image is not None
    for side, name in enumerate(("light", "dark")):
        theme = THEMES["light" if name == "light" else "dark"]
        for token in theme.__slots__:
            if token != "name":
                assert getattr(theme, token) == told[token.replace("_", "-")].split(", ")[side]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: "-".join([run[0], run[1], *run[2]]))
def test_every_beat_is_drawn_inside_the_page_and_no_text_on_another(
    image: Image, run: tuple[str, str, tuple[str, ...], str]
) -> None:
    reading = reading_of(image, *run)
    for moment in beats(reading):
        svg = draw(reading, moment, sources(), english())
        root = ElementTree.fromstring(svg)
        assert root.get("viewBox") == "0 0 1440 810"
        stays_inside(root, (run, moment))


def stays_inside(root: ElementTree.Element, what: object) -> None:
    """Every text within the page, the panes above the caption, and none on another in its line."""
    rows: dict[float, list[tuple[float, float, str]]] = {}
    for left, right, baseline, text in spans(root):
        assert left >= 0, (what, text)
        assert right <= 1440, (what, text)
        assert 0 < baseline < 810, (what, text)
        rows.setdefault(baseline, []).append((left, right, text))
    for row in rows.values():
        for (_, end, one), (start, _, other) in pairwise(sorted(row)):
            assert end <= start + 1, (what, one, other)
    for box in root.iter(f"{SVG}rect"):
        lower = float(box.get("y") or 0) + float(box.get("height") or 0)
        crosses = float(box.get("y") or 0) < CAPTION < lower < 810
        assert not crosses, (what, ElementTree.tostring(box))


def spans(root: ElementTree.Element) -> Iterator[tuple[float, float, float, str]]:
    """Each text's left and right end, near enough, and its baseline."""
    for text in root.iter(f"{SVG}text"):
        size = float(text.get("font-size") or 0)
        long = width(text.text or "", size, mono=text.get("font-family") is not None)
        for part in text:
            long += width(part.text or "", size * CODE_SCALE, mono=True) + width(part.tail or "", size, mono=False)
        at = float(text.get("x") or 0)
        left = {"end": at - long, "middle": at - long / 2}.get(text.get("text-anchor") or "", at)
        yield left, left + long, float(text.get("y") or 0), "".join(text.itertext())


@pytest.mark.parametrize(("design", "moment_of"), [("thread", "frame-rewritten"), ("gap", "frame-rewritten")])
def test_what_is_shown_is_what_memory_holds(image: Image, design: str, moment_of: str) -> None:
    reading = reading_of(image, "first-call", design, (), "coherent")
    session = reading.session
    event = next(
        e for e in session.events if e.name == moment_of and isinstance(e, lens.FrameRewritten) and e.field == "ip"
    )
    moment = event.moment + 1
    memory = session.trace.seek(moment).memory
    shown = said(draw(reading, moment, sources(), english()))
    site = next(e.site for e in session.events if isinstance(e, lens.CallEmulated))
    assert shown[shown.index("THE PATCH SITE") + 2 :][:10:2] == [f"{byte:02x}" for byte in memory.read(site, 5)]
    ip, cs, flags, sp, ss = struct.unpack("<5Q", memory.read(event.addr, 40))
    assert image.name(ip) == event.new_symbol
    names = [event.old_symbol.removesuffix("+0x0"), event.new_symbol.removesuffix("+0x0")]
    for value in (f"{cs:#x}", f"0000 {flags:04x}", f"…{sp & 0xFFFF:04x}", f"{ss:#x}", *names):
        assert value in shown
    assert any(text == "RFLAGS · PF SF IF" for text in shown)
    assert f"first-call · {design} · coherent fetch · moment {moment} of {len(session.trace)}" in shown
    assert session.schedule in shown


def test_a_frame_that_was_not_rewritten_has_one_target(image: Image) -> None:
    reading = reading_of(image, "first-call", "thread", (), "coherent")
    pushed = next(e for e in reading.session.events if isinstance(e, lens.FramePushed))
    svg = draw(reading, pushed.moment + 1, sources(), english())
    assert said(svg).count("traced_fn+0x1") == 2
    assert not [text for text in texts(svg) if text.get("text-decoration")]


def test_four_slots_name_the_contexts_that_pushed_them(image: Image) -> None:
    reading = reading_of(image, "four-contexts", "thread", (), "coherent")
    fourth = [e for e in reading.session.events if isinstance(e, lens.SlotPushed)][3]
    shown = said(draw(reading, fourth.moment + 1, sources(), english()))
    values = ["traced_fn+0x5", "traced_softirq+0x5", "traced_irq+0x5", "traced_nmi+0x5"]
    assert [shown[shown.index(f"slots[{index}]", shown.index("depth")) :][:3] for index in range(4)] == [
        ["slots[0]", "process", values[0]],
        ["slots[1]", "softirq", values[1]],
        ["slots[2]", "irq", values[2]],
        ["slots[3]", "NMI", values[3]],
    ]


def test_a_slot_names_a_context_only_while_that_occupies_it(image: Image) -> None:
    reading = reading_of(image, "first-call", "thread", (), "coherent")
    moments = {event.name: event.moment + 1 for event in reading.session.events}
    pushed = said(draw(reading, moments["slot-pushed"], sources(), english(), part="thread-info"))
    assert (pushed.count("process"), pushed.count("top"), pushed.count("left over")) == (1, 1, 0)
    popped = said(draw(reading, moments["slot-popped"], sources(), english(), part="thread-info"))
    assert (popped.count("process"), popped.count("top"), popped.count("left over")) == (0, 0, 1)
    assert "1 → 0, just now" in popped


@pytest.mark.parametrize("design", ["thread", "percpu", "gap"])
def test_four_cpus_have_room(image: Image, design: str) -> None:
    session = Session(image, resolve(image, "two-sites", design, cpus=4))
    session.feed("rr*5")
    session.advance(session.max_steps)
    reading = Reading(session)
    for event in session.events[:200:10]:
        svg = draw(reading, event.moment + 1, sources(), english())
        assert [cpu for cpu in range(4) if f"CPU {cpu}" in said(svg)] == [0, 1, 2, 3]
        stays_inside(ElementTree.fromstring(svg), (design, event.moment))


def test_what_each_cpu_would_decode_is_told_byte_by_byte_where_fetches_may_lag(image: Image) -> None:
    reading = reading_of(image, "torn", "thread", ("no-sync-1",), "weak")
    session = reading.session
    assert session.spec.fetch is FetchModel.WEAK
    shown = said(draw(reading, len(session.trace), sources(), english(), part="site"))
    for cpu in range(2):
        event = [e for e in session.events if isinstance(e, lens.FetchViewChanged) and e.cpu == cpu][-1]
        at = shown.index(f"CPU {cpu}")
        assert shown[at + 1 : at + 6] == [f"{byte:02x}" for byte in event.seen]


def test_a_check_that_does_not_hold_is_told(image: Image) -> None:
    reading = reading_of(image, "livepatch-window", "skip", (), "coherent")
    broken = next(f for f in reading.session.findings if f.check == "livepatch-consistent")
    shown = said(draw(reading, broken.moment + 1, sources(), english()))
    assert any(text.startswith("Violated: livepatch-consistent. The old body of patched_fn runs") for text in shown)


@pytest.mark.parametrize("part", PARTS)
def test_the_same_moment_is_the_same_bytes_and_each_part_can_be_had_alone(image: Image, part: Part) -> None:
    reading = reading_of(image, "four-contexts", "thread", (), "coherent")
    moment = next(e for e in reading.session.events if isinstance(e, lens.NmiTaken)).moment + 1
    svg = draw(reading, moment, sources(), english(), part=part)
    again = draw(Reading(reading.session), moment, sources(), english(), part=part)
    assert svg == again
    root = ElementTree.fromstring(svg)
    _, _, wide, high = map(float, (root.get("viewBox") or "").split())
    for left, right, baseline, text in spans(root):
        assert 0 <= left <= right <= wide, text
        assert 0 < baseline < high, text


def test_the_theme_changes_colours_and_nothing_else(image: Image) -> None:
    reading = reading_of(image, "first-call", "thread", (), "coherent")
    light, dark = (draw(reading, 296, sources(), english(), theme=theme) for theme in ("light", "dark"))
    assert light != dark
    assert re.sub("#[0-9a-f]{6}", "", light) == re.sub("#[0-9a-f]{6}", "", dark)
    colours = set(re.findall("#[0-9a-f]{6}", dark))
    assert colours <= {getattr(THEMES["dark"], token) for token in THEMES["dark"].__slots__}


def test_text_stays_text_and_is_told_to_those_who_cannot_see_it(image: Image) -> None:
    reading = reading_of(image, "first-call", "thread", (), "coherent")
    root = ElementTree.fromstring(draw(reading, 296, sources(), english()))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        "svg", "title", "desc", "rect", "line", "path", "circle", "text", "tspan",
    }  # fmt: skip
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", "title desc")
    description = root.findtext(f"{SVG}desc") or ""
    assert description.startswith("The handler points the frame’s RIP at a stub.")
    assert "The patch site traced_fn holds cc 1f 44 00 00." in description
    assert "ftrace_int3_stack has depth 1." in description


def test_everything_is_escaped() -> None:
    canvas = Canvas(THEMES["light"])
    canvas.text(1, 2, "<b>&\"'", size=12, fill='"/><script>')
    svg = canvas.document(0, 0, 10, 10, "<title>", "a & b")
    (text,) = texts(svg)
    assert (text.text, text.get("fill")) == ("<b>&\"'", '"/><script>')
    assert ElementTree.fromstring(svg).findtext(f"{SVG}title") == "<title>"


def test_without_its_sources_the_code_is_drawn_all_the_same(image: Image) -> None:
    reading = reading_of(image, "first-call", "thread", (), "coherent")
    assert "mov [rbx+0x80], rax" in said(draw(reading, 296, {}, english(), part="code"))


@pytest.mark.parametrize(
    ("moment", "cpu", "says"), [(749, None, "no moment 749"), (-1, None, "no moment"), (3, 1, "no CPU 1")]
)
def test_a_moment_or_cpu_that_is_not_there_is_refused(image: Image, moment: int, cpu: int | None, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        draw(reading_of(image, "first-call", "thread", (), "coherent"), moment, sources(), english(), cpu=cpu)


def test_the_last_sync_waits_until_the_cpu_in_its_handler_has_answered(image: Image) -> None:
    reading = reading_of(image, "late-handler", "thread", (), "coherent")
    phases = [event for event in reading.session.events if isinstance(event, lens.PatchPhaseBegun)]
    (begun,) = [event.moment + 1 for event in phases if event.phase == "sync-3"]
    over = [event.moment + 1 for event in phases if event.phase == "synced"][-1]
    waits = [
        "waiting for the others" in said(draw(reading, moment, sources(), english(), part="site"))
        for moment in (begun - 1, begun, over - 1, over)
    ]
    assert waits == [False, True, True, False]


@pytest.mark.parametrize(("design", "unused"), [("thread", False), ("percpu", True), ("gap", True), ("skip", True)])
def test_a_stack_that_the_design_leaves_alone_is_said_to_be_unused(image: Image, design: str, unused: bool) -> None:
    reading = reading_of(image, "first-call", design, (), "coherent")
    svg = draw(reading, len(reading.session.trace), sources(), english(), part="thread-info")
    assert ("unused in this design" in said(svg)) == unused
    stays_inside(ElementTree.fromstring(svg), design)
