"""Colours and type: the page's own tokens (frontend/src/styles/tokens.css), of which a test makes sure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from trapscope.core.types import Context

ThemeName = Literal["light", "dark"]

#: Named with what may stand in for them where they are not installed.
SANS: Final = "'IBM Plex Sans', 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
MONO: Final = "'IBM Plex Mono', ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"

TINY: Final = 11
SMALL: Final = 12
BODY: Final = 13
STORY: Final = 16
TITLE: Final = 17
BYTE: Final = 19


@dataclass(frozen=True, slots=True)
class Theme:
    """Tokens by their names in the style sheet, `-` as `_`."""

    name: ThemeName
    paper: str
    panel: str
    sunk: str
    ink: str
    ink_2: str
    ink_3: str
    ghost: str
    rule: str
    rule_2: str
    rule_strong: str
    cpu_0: str
    cpu_1: str
    cpu_2: str
    cpu_3: str
    process: str
    softirq: str
    irq: str
    nmi: str
    mce: str
    poke: str
    poke_fill: str
    bad: str
    bad_fill: str
    mark: str
    mark_soft: str

    def cpu(self, number: int) -> str:
        """The CPU's accent."""
        return (self.cpu_0, self.cpu_1, self.cpu_2, self.cpu_3)[number]

    def context(self, context: Context) -> str:
        """The context's colour."""
        colours = (self.process, self.softirq, self.irq, self.nmi, self.mce)
        return dict(zip(Context, colours, strict=True))[context]


THEMES: Final[dict[ThemeName, Theme]] = {
    "light": Theme(
        "light", paper="#fbfaf6", panel="#ffffff", sunk="#f3f1ea", ink="#1a1c21", ink_2="#4b505a", ink_3="#676c76",
        ghost="#736e62", rule="#e3dfd5", rule_2="#cfcabd", rule_strong="#8b8678",
        cpu_0="#3a49c9", cpu_1="#08766f", cpu_2="#8a4a0b", cpu_3="#8b2b63",
        process="#56606e", softirq="#8f5a06", irq="#b83f0b", nmi="#9a1fb0", mce="#b3172f",
        poke="#c23a08", poke_fill="#fdebe2", bad="#b3172f", bad_fill="#fdeaec", mark="#fff0b3", mark_soft="#f7f3e2",
    ),
    "dark": Theme(
        "dark", paper="#0e1014", panel="#14171d", sunk="#1a1e26", ink="#eae7df", ink_2="#b3b7c0", ink_3="#8d93a0",
        ghost="#888f9d", rule="#242933", rule_2="#353b48", rule_strong="#6b7280",
        cpu_0="#9aa7ff", cpu_1="#4cd0c3", cpu_2="#e3a869", cpu_3="#ee9ac6",
        process="#a7b1bf", softirq="#e5ae4f", irq="#f78f62", nmi="#dc8cec", mce="#ff8a97",
        poke="#ff8a55", poke_fill="#33201a", bad="#ff8a97", bad_fill="#351a1f", mark="#453c19", mark_soft="#24231d",
    ),
}  # fmt: skip
