"""Writes SVG: text stays text, everything is escaped, numbers have two decimals at most."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from trapscope.figure import type as type_
from trapscope.figure.theme import MONO, SANS, Theme
from trapscope.figure.type import Run


class Canvas:
    """Collects elements in the order of drawing. Coordinates are in the units of the view box, y downwards."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._elements: list[str] = []

    def text(
        self, x: float, y: float, text: str, *, size: float, fill: str, mono: bool = False, weight: int = 400,
        anchor: str = "start", struck: bool = False, spacing: float = 0,
    ) -> None:  # fmt: skip
        """One line in one font; y is its baseline. Blanks are kept."""
        if not text:
            return
        self._element(
            "text", escape(text), x=x, y=y, font_size=size, fill=fill, font_family=MONO if mono else None,
            font_weight=None if weight == 400 else weight, text_anchor=None if anchor == "start" else anchor,
            text_decoration="line-through" if struck else None, letter_spacing=spacing or None,
            xml__space="preserve" if "  " in text or text.startswith(" ") else None,
        )  # fmt: skip

    def rich(self, x: float, y: float, line: list[Run], *, size: float, fill: str, code: str) -> float:
        """One line in which code has a font and a colour of its own; returns where it ends, near enough."""
        spans = []
        for run in line:
            if run.is_code:
                scaled = _number(size * type_.CODE_SCALE)
                spans.append(
                    f"<tspan font-family={quoteattr(MONO)} font-size={quoteattr(scaled)} fill={quoteattr(code)}>"
                    f"{escape(run.text)}</tspan>"
                )
            else:
                spans.append(escape(run.text))
        self._element("text", "".join(spans), x=x, y=y, font_size=size, fill=fill, xml__space="preserve")
        return x + type_.runs_width(line, size)

    def rect(
        self, x: float, y: float, width: float, height: float, *, fill: str = "none", stroke: str | None = None,
        radius: float = 0, dash: str | None = None, stroke_width: float = 1, opacity: float | None = None,
    ) -> None:  # fmt: skip
        """A border lies inside, on whole pixels where the corners do."""
        if stroke is not None:
            half = stroke_width / 2
            x, y, width, height = x + half, y + half, width - stroke_width, height - stroke_width
        self._element(
            "rect", None, x=x, y=y, width=width, height=height, rx=radius or None, fill=fill, fill_opacity=opacity,
            stroke=stroke, stroke_width=stroke_width if stroke else None, stroke_dasharray=dash if stroke else None,
        )  # fmt: skip

    def path(self, d: str, *, stroke: str, stroke_width: float = 1, dash: str | None = None) -> None:
        """A line without a fill."""
        self._element(
            "path", None, d=d, fill="none", stroke=stroke, stroke_width=stroke_width, stroke_dasharray=dash,
            stroke_linecap="round",
        )  # fmt: skip

    def line(self, x1: float, y1: float, x2: float, y2: float, *, stroke: str, dash: str | None = None) -> None:
        """A hairline."""
        self._element("line", None, x1=x1, y1=y1, x2=x2, y2=y2, stroke=stroke, stroke_dasharray=dash)

    def circle(self, x: float, y: float, radius: float, *, fill: str, stroke: str | None = None) -> None:
        self._element("circle", None, cx=x, cy=y, r=radius, fill=fill, stroke=stroke)

    def badge(self, x: float, y: float, text: str, colour: str) -> float:
        """A word on a tint of its colour, `y` the baseline; returns its width."""
        size = 11
        wide = type_.width(text, size, mono=True) + 12
        self.rect(x, y - 12, wide, 16, fill=colour, opacity=0.12, radius=3)
        self.text(x + 6, y, text, size=size, fill=colour, mono=True, weight=500)
        return wide

    def heading(self, x: float, y: float, text: str, note: str, *, room: float, code: bool = False) -> None:
        """A pane's title, and what it is of."""
        shown = text if code else text.upper()
        spacing = 0 if code else 0.66
        self.text(x, y, shown, size=11, fill=self.theme.ink_3, weight=500, spacing=spacing, mono=code)
        used = type_.width(shown, 11, mono=code) + spacing * len(shown) + 14
        self.text(x + used, y, type_.cut(note, 11, room - used, mono=False), size=11, fill=self.theme.ink_2, weight=500)

    def document(self, x: float, y: float, width: float, height: float, title: str, description: str) -> str:
        """The whole as an SVG file that shows this part of the plane."""
        box = " ".join(map(_number, (x, y, width, height)))
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}"'
            f' width="{_number(width)}" height="{_number(height)}" role="img" aria-labelledby="title desc"'
            f" font-family={quoteattr(SANS)}>"
        )
        paper = (
            f'<rect x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"'
            f' fill="{self.theme.paper}"/>'
        )
        told = [f'<title id="title">{escape(title)}</title>', f'<desc id="desc">{escape(description)}</desc>']
        return "\n".join([head, *told, paper, *self._elements, "</svg>"]) + "\n"

    def _element(self, name: str, content: str | None, **attributes: str | float | None) -> None:
        told = "".join(
            f" {key.replace('__', ':').replace('_', '-')}={quoteattr(_attribute(value))}"
            for key, value in attributes.items()
            if value is not None
        )
        self._elements.append(f"<{name}{told}/>" if content is None else f"<{name}{told}>{content}</{name}>")


def _attribute(value: str | float) -> str:
    return value if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
