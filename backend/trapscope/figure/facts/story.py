"""The story's sentence at a moment: the weightiest event of the step just made, or what that step is there for."""

from __future__ import annotations

from dataclasses import dataclass

from trapscope.core.lens import Finding
from trapscope.core.telling import Told
from trapscope.core.types import RIP, Severity
from trapscope.figure.facts.code import compact
from trapscope.figure.scene import Scene


@dataclass(frozen=True, slots=True)
class Story:
    """`detail` is the instruction just executed, where no event says more; code between backticks."""

    sentence: str
    detail: str
    findings: tuple[Finding, ...]


def story_at(scene: Scene) -> Story:
    """What there is to tell."""
    session, moment, say = scene.session, scene.moment, scene.copy.say
    length = len(session.trace)
    findings = tuple(f for f in session.findings if f.moment == moment - 1 or (f.moment >= length == moment))
    if moment == 0:
        function = scene.names.owner(scene.state.regs[0][RIP]) or "?"
        return Story(say("start", {"cpu": "0", "function": function}), "", findings)
    told = told_at(scene)
    if told is not None:
        return Story(say(told.id, told.args), "", findings)
    if session.verdict is not None and moment == length:
        return Story(say(f"end-{session.verdict.value}"), "", findings)
    step = scene.step(moment - 1)
    text = compact(session.image.disassembler.text(step.rip, step.code))
    place = (session.image.name(step.rip) or f"{step.rip:#x}").removesuffix("+0x0")
    function = place.partition("+")[0]
    id_, cpu = scene.copy.of_place(function, text), str(step.cpu)
    sentence = say("step", {"cpu": cpu, "function": function}) if id_ is None else say(id_)
    return Story(sentence, say("step-detail", {"cpu": cpu, "insn": text, "place": place}), findings)


def told_at(scene: Scene) -> Told | None:
    """By what the step just made is told; None where it raised no event."""
    session = scene.session
    mine = [told for event, told in zip(session.events, session.told, strict=True) if event.moment == scene.moment - 1]
    return min(mine, key=lambda told: told.weight, default=None)


def finding_text(finding: Finding) -> str:
    """A finding as a sentence."""
    return f"{'Note' if finding.severity is Severity.NOTE else 'Violated'}: `{finding.check}`. {finding.detail}"
