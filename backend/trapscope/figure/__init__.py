"""A moment of a run as SVG."""

from trapscope.figure.figure import PARTS, Part, draw
from trapscope.figure.theme import THEMES, ThemeName

__all__ = ["PARTS", "THEMES", "Part", "ThemeName", "draw"]
