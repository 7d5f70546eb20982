"""The sentence of the seed patch that a moment shows; the scenario's own where no event shows another."""

from __future__ import annotations

from trapscope.core.lens import events as lens
from trapscope.core.session import sentences as patch
from trapscope.core.session.catalogue import CATALOGUE
from trapscope.figure.facts.story import weightiest
from trapscope.figure.scene import Scene


def passage_at(scene: Scene) -> str:
    """Word for word from the patch."""
    events = [event for event in scene.session.events if event.moment == scene.moment - 1]
    event = weightiest(events)
    shown = None if event is None else _shown_by(event, scene.spec.design)
    return CATALOGUE[scene.spec.scenario].sentences[0] if shown is None else shown


def _shown_by(event: lens.Event, design: str) -> str | None:
    skips = design == "skip"
    match event:
        case lens.BreakpointHit() | lens.FetchViewChanged():
            return patch.INT3_FIRST
        case lens.TextWritten(part="breakpoint") | lens.PatchPhaseBegun(phase="breakpoints"):
            return patch.INT3_FIRST
        case lens.FramePushed():
            return patch.INT3_FIRST
        case lens.FrameRewritten() | lens.IretExecuted() | lens.StubEntered():
            return patch.AS_NOP if skips else patch.IRET_FRAME
        case lens.FopsMissed() | lens.OldBodyRan() if skips:
            return patch.AS_NOP
        case lens.PushBegun():
            return patch.FOUR_ENTRIES
        case lens.PopBegun():
            return patch.ASM_OFFSETS
        case lens.StackAccess():
            return patch.COMMUNICATED
        case lens.CallEmulated() | lens.FopsCalled() | lens.Redirected():
            return patch.EMULATE
        case lens.Interrupted() | lens.SoftirqBegun() | lens.NmiTaken() | lens.MachineCheckTaken():
            return patch.AT_MOST_FOUR
        case lens.Preempted():
            return patch.PER_CPU
        case lens.Migrated():
            return patch.NORMS
        case lens.Forked():
            return patch.MEMCPY
        case _:
            return None
