"""The five bytes being rewritten: what they are, how far the protocol has come, what each CPU would decode there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from trapscope.core.lens import events as lens
from trapscope.core.lens.frames import BREAKPOINT
from trapscope.core.types import MASK64, FetchModel
from trapscope.figure.scene import Scene

SITE_BYTES: Final = 5
_INT3: Final = 0xCC
#: What is told of bytes that are neither int3 nor any of those.
NO_INSN: Final = "no insn of ftrace’s"
_NOPS: Final = (bytes.fromhex("0f1f440000"), bytes.fromhex("6666666690"))
_JUMPS: Final = {0xE8: "call", 0xE9: "jmp"}
#: What a store to a site is, in the order of the protocol, and the sync behind it.
_PROTOCOL: Final = (
    ("breakpoint", "int3", "sync-1"),
    ("tail", "new tail", "sync-2"),
    ("first-byte", "first byte", "sync-3"),
)

State = Literal["done", "now", "ahead", "never"]


@dataclass(frozen=True, slots=True)
class SiteByte:
    """`was` is what was here before the step just made, if that changed it; poked: not what the change began with."""

    value: int
    was: int | None
    is_poked: bool


@dataclass(frozen=True, slots=True)
class Pass:
    """One line of the protocol; `held` are the site's bytes after it, where that is known.

    A store is done once it is made; a sync is `now` until the patcher goes on, because every other CPU has answered.
    """

    name: str
    state: State
    held: bytes | None
    is_waiting: bool = False


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a CPU would decode there, or (`is_past`) what its last step did. `seen` and `stale`: weak model only."""

    cpu: int
    text: str
    is_past: bool
    seen: bytes | None
    stale: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SiteView:
    name: str
    insn: str
    held: tuple[SiteByte, ...]
    passes: tuple[Pass, ...]
    decodes: tuple[Decoded, ...]


@dataclass(frozen=True, slots=True)
class _Sync:
    """From the moment at which the patcher began a sync until it went on; `over` is None where it never did."""

    begun: int
    over: int | None


@dataclass(frozen=True, slots=True)
class _Version:
    """The site's bytes from a moment on; `part` is "" for what was there when the recording began."""

    moment: int
    held: bytes
    part: str


def site_view(scene: Scene) -> SiteView | None:
    """The site whose breakpoint the CPU shown is handling; else the one spoken of last, or first. None without any."""
    address = _trapped(scene)
    if address is None:
        address = _spoken_of(scene)
    if address is None:
        return None
    held = scene.held(address, SITE_BYTES)
    versions = list(_versions(scene, address))
    before, stores = _change(versions, scene.moment)
    return SiteView(
        scene.names.label(address) or scene.names.name(address) or f"{address:#x}",
        insn_text(scene, address, held),
        tuple(_bytes(versions, before, stores, held, scene.moment)),
        _at_work(list(_passes(scene, before, stores))),
        tuple(_decoded(scene, address, held, cpu) for cpu in range(scene.spec.cpus)),
    )


def insn_text(scene: Scene, address: int, code: bytes) -> str:
    """The five bytes as an instruction, in the forms that ftrace writes."""
    if code[0] == _INT3:
        return "int3"
    if code in _NOPS:
        return "nop"
    if code[0] in _JUMPS:
        target = (address + SITE_BYTES + int.from_bytes(code[1:], "little", signed=True)) & MASK64
        return f"{_JUMPS[code[0]]} {scene.names.name(target) or '?'}"
    return NO_INSN


def _trapped(scene: Scene) -> int | None:
    trap = next((a for a in scene.activation.chain() if a.entry == "trap" and a.vector == BREAKPOINT), None)
    if trap is None:
        return None
    pushed = (e for e in scene.session.events if isinstance(e, lens.FramePushed) and e.moment == trap.entered)
    ip = next((event.frame.ip - 1 for event in pushed), None)
    return next((address for _, address in _mentions(scene) if address == ip), None)


def _spoken_of(scene: Scene) -> int | None:
    mentions = list(_mentions(scene))
    past = [address for moment, address in mentions if moment < scene.moment]
    return past[-1] if past else mentions[0][1] if mentions else None


def _mentions(scene: Scene) -> Iterator[tuple[int, int]]:
    for event in scene.session.events:
        if isinstance(event, lens.TextWritten) and event.part != "other":
            yield event.moment, event.site
        elif isinstance(event, lens.BreakpointHit) and event.site != "none":
            yield event.moment, event.ip
        elif isinstance(event, lens.CallEmulated):
            yield event.moment, event.site


def _versions(scene: Scene, address: int) -> Iterator[_Version]:
    held = bytearray(scene.session.state0.memory.read(address, SITE_BYTES))
    yield _Version(0, bytes(held), "")
    for event in scene.session.events:
        if isinstance(event, lens.TextWritten) and event.site == address and event.part != "other":
            offset = event.addr - address
            held[offset : offset + len(event.new)] = event.new
            yield _Version(event.moment + 1, bytes(held), event.part)


def _change(versions: list[_Version], moment: int) -> tuple[_Version, list[_Version]]:
    """The change that is going on, else the last one, else the one to come: what it began with, and its stores."""
    starts = [index for index, version in enumerate(versions) if version.part == "breakpoint"]
    first = versions[0]
    past = [index for index in starts if versions[index].moment <= moment]
    start = past[-1] if past else starts[0] if starts else None
    # A breakpoint that was there when the recording began belongs to a change whose beginning nobody saw.
    if start is None or (first.held[0] == _INT3 and not past):
        return first, versions[1 : starts[0] if starts else None]
    following = next((index for index in starts if index > start), None)
    return versions[start - 1], versions[start:following]


def _bytes(
    versions: list[_Version], before: _Version, stores: list[_Version], held: bytes, moment: int
) -> Iterator[SiteByte]:
    at = next((index for index, version in enumerate(versions) if version.moment == moment and version.part), None)
    previous = held if at is None else versions[at - 1].held
    over = any(store.part == "first-byte" and store.moment <= moment for store in stores)
    for index, value in enumerate(held):
        was = previous[index]
        yield SiteByte(value, None if was == value else was, not over and value != before.held[index])


def _passes(scene: Scene, before: _Version, stores: list[_Version]) -> Iterator[Pass]:
    was_there = before.held[0] == _INT3
    for part, name, sync in _PROTOCOL:
        store = next((store for store in stores if store.part == part), None)
        old = store is None and part == "breakpoint" and was_there
        at = store.moment if store is not None else 0 if old else None
        held = store.held if store is not None else before.held if old else None
        yield Pass(name, _state(at, scene.moment), held)
        yield _sync_pass(_sync_after(scene, sync, at), scene.moment)


def _state(at: int | None, moment: int) -> State:
    return "never" if at is None else "done" if at <= moment else "ahead"


def _sync_pass(sync: _Sync | None, moment: int) -> Pass:
    if sync is None:
        return Pass("sync CPUs", "never", None)
    waits = sync.begun <= moment and (sync.over is None or moment < sync.over)
    return Pass("sync CPUs", "now" if waits else _state(sync.begun, moment), None, waits)


def _at_work(passes: list[Pass]) -> tuple[Pass, ...]:
    """The protocol stands at the last line that has been reached, as long as there is one to come."""
    reached = [index for index, line in enumerate(passes) if line.state in ("done", "now")]
    if reached and any(line.state == "ahead" for line in passes):
        passes[reached[-1]] = replace(passes[reached[-1]], state="now")
    return tuple(passes)


def _sync_after(scene: Scene, phase: str, after: int | None) -> _Sync | None:
    """The sync behind a pass over this site; None where the patcher went on without one."""
    if after is None:
        return None
    begun = _phase_from(scene, after, "done" if phase == "sync-3" else "")
    if begun is None or begun.phase != phase:
        return None
    over = _phase_from(scene, begun.moment + 1, "")
    return _Sync(begun.moment + 1, None if over is None else over.moment + 1)


def _phase_from(scene: Scene, moment: int, but: str) -> lens.PatchPhaseBegun | None:
    """The patcher's next phase; who is done too early syncs afterwards all the same, so `but` may pass one over."""
    phases = (event for event in scene.session.events if isinstance(event, lens.PatchPhaseBegun))
    return next((event for event in phases if event.moment >= moment and event.phase != but), None)


def _decoded(scene: Scene, address: int, held: bytes, cpu: int) -> Decoded:
    weak = scene.spec.fetch is FetchModel.WEAK
    told = (e for e in scene.events(lens.FetchViewChanged) if e.cpu == cpu and e.site == address)
    seen = next((event.seen for event in told), held)
    stale = tuple(index for index, byte in enumerate(seen) if byte != held[index])
    last = scene.reading.last(cpu, scene.moment)
    past = last is not None and last.vector < 0 and last.rip == address
    if past and last is not None:
        text = scene.image.disassembler.text(last.rip, last.code)
    else:
        text = insn_text(scene, address, seen)
    return Decoded(cpu, text, past, seen if weak else None, stale if weak else ())
