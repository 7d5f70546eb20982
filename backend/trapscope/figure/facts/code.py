"""The function that a CPU stands in, C and assembly interleaved, around the instruction that comes next.

Lines come from the ELF; where memory holds other bytes by now the line shows those, because they are what runs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from trapscope.core.image.lines import SourceLine
from trapscope.core.reading import vector_name
from trapscope.figure.facts.site import SITE_BYTES, insn_text
from trapscope.figure.scene import Scene

_CALLERS_SHOWN: Final = 5
#: Going on downwards shows the lines in between too, if they are no more than this.
_LINES_BETWEEN: Final = 12
_REGISTER: Final = re.compile(
    r"\b(?:[re]?[abcd]x|[abcd][lh]|[re]?(?:si|di|bp|sp)|(?:si|di|bp|sp)l|r(?:8|9|1[0-5])[dwb]?)\b"
)
_SIZE: Final = re.compile(r"\b(qword|dword|word|byte) ptr ")
_BRACKETS: Final = re.compile(r"\[[^\]]*\]")
_KEEPS_SIZE: Final = re.compile(r"^(movzx|movsx|movsxd)\b")


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A line of C or assembly source; `runs`: the instructions behind it are made from it."""

    line: int
    text: str
    runs: bool


@dataclass(frozen=True, slots=True)
class InsnRow:
    """One instruction, its bytes as memory holds them. Current: RIP stands here; done: this CPU's last step."""

    address: int
    code: bytes
    text: str
    is_current: bool
    is_done: bool
    is_patched: bool


@dataclass(frozen=True, slots=True)
class CodeView:
    """`callers`: what the function was called from, or which vector interrupted, innermost first."""

    function: str
    file: str
    lane: str
    rows: tuple[SourceRow | InsnRow, ...]
    callers: tuple[str, ...]


def code_view(scene: Scene) -> CodeView:
    """The whole function, from its first instruction to its last."""
    function = scene.names.owner(scene.rip) or f"{scene.rip:#x}"
    symbol = scene.image.find(function)
    rows: list[SourceRow | InsnRow] = []
    file = ""
    if symbol is not None and symbol.size:
        lines = scene.image.disassembler.lines(symbol.address, scene.image.bytes_at(symbol.address, symbol.size))
        sources = [scene.image.line(address) for address, _, _ in lines]
        files = Counter(source.file for source in sources if source is not None)
        file = files.most_common(1)[0][0] if files else ""
        quoted = _Quotes(scene)
        for (address, code, text), source in zip(lines, sources, strict=True):
            rows += quoted.before(source)
            rows.append(_insn(scene, address, code, text))
    return CodeView(function, file, lane_text(scene), tuple(rows), tuple(_callers(scene)))


def lane_text(scene: Scene) -> str:
    """`CPU 0 · worker · process · trap 1`: what the CPU is doing."""
    last, following = scene.reading.last(scene.cpu, scene.moment), scene.reading.next(scene.cpu, scene.moment)
    # An instruction runs in the lane that the CPU is in; a delivery opens another, which it is not in yet.
    step = following if following is not None and following.vector < 0 else last or following
    if step is None:
        return f"CPU {scene.cpu}"
    lane = scene.session.lanes[scene.session.lane_of[step.moment]]
    trap = f" · trap {lane.trap}" if lane.trap else ""
    return f"CPU {scene.cpu} · {lane.task} · {lane.context.value}{trap}"


def compact(text: str) -> str:
    """No size where a register tells it, no blanks inside brackets."""
    outside = _BRACKETS.sub("", text)
    told = _REGISTER.search(outside.partition(" ")[2]) is not None and _KEEPS_SIZE.match(text) is None
    text = _SIZE.sub(lambda match: "" if told else f"{match[1]} ", text)
    text = _BRACKETS.sub(lambda match: match[0].replace(" ", ""), text)
    return re.sub(r"^(\S+) offset ", r"\1 ", text)


def _insn(scene: Scene, address: int, code: bytes, text: str) -> InsnRow:
    held = scene.held(address, len(code))
    patched = held != code
    if patched and len(held) == SITE_BYTES:
        text = insn_text(scene, address, held)
    last = scene.reading.last(scene.cpu, scene.moment)
    done = last is not None and last.vector < 0 and last.rip == address
    # Behind an int3 whose trap is still to be delivered, RIP stands inside the five bytes.
    current = address <= scene.rip < address + len(code)
    return InsnRow(address, held, compact(text), current, done, patched)


def _callers(scene: Scene) -> Iterator[str]:
    inner = scene.activation
    for caller in list(inner.chain())[1:_CALLERS_SHOWN]:
        if inner.entry == "trap":
            yield vector_name(inner.vector)
        yield f"`{caller.function}`"
        inner = caller


class _Quotes:
    """Hands out source lines in front of the instructions made from them, each stretch of text once."""

    def __init__(self, scene: Scene) -> None:
        self._sources = scene.sources
        self._at = SourceLine("", 0)
        self._highest = 0

    def before(self, source: SourceLine | None) -> Iterator[SourceRow]:
        if source is None or source.line == 0 or source == self._at or source.file not in self._sources:
            return
        same = source.file == self._at.file
        down = same and self._highest < source.line < self._highest + _LINES_BETWEEN
        first = self._highest + 1 if down else source.line
        self._highest = max(self._highest, source.line) if same else source.line
        self._at = source
        lines = self._sources[source.file].split("\n")
        for number in range(first, min(source.line, len(lines)) + 1):
            text = lines[number - 1]
            if number == source.line or text.strip():
                yield SourceRow(number, text.removeprefix("\t").expandtabs(4), number == source.line)
