"""Data flow of single instructions by the manual, and of every instruction that any scenario executes by what it did.

The manual's own operation sections say what each must read and set; the runs say that nothing else was set, that what
is copied is the same, and that equal inputs gave equal outputs: an input left out would be found by that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.lens.played import play
from trapscope.core.errors import BadInput
from trapscope.core.image import Image, MemoryOperand
from trapscope.core.image.flow import (
    CF,
    CONDITIONS,
    OF,
    PF,
    SF,
    STATUS,
    ZF,
    Constant,
    Flow,
    Output,
    Part,
    Untracked,
    Use,
)
from trapscope.core.image.flows import Flows
from trapscope.core.image.parts import PARTS
from trapscope.core.machine.apic import BASE as APIC
from trapscope.core.session.catalogue import offered, resolve
from trapscope.core.session.scenarios import Scenario
from trapscope.core.trace import State
from trapscope.core.types import MASK64, RFLAGS, RIP, Step, StepKind

FLOWS = Flows()


def told(code: str) -> list[str]:
    """Each output but the next RIP, as `rax ← rbx [rsp]`; memory in brackets by its base, flags by their mask."""
    flow = FLOWS.of(bytes.fromhex(code))
    plain = Output(Part(RIP), FLOWS.of(b"\x90").outputs[0].uses)
    return [f"{_name(o.place)} ← {' '.join(_name(use.operand) for use in o.uses)}" for o in flow.outputs if o != plain]


def _name(operand: object) -> str:
    match operand:
        case Part(register=register, mask=mask) if register == RFLAGS:
            return {STATUS: "flags", MASK64: "rflags"}.get(mask, f"flags:{mask:x}")
        case Part():
            return next(name for name, part in PARTS.items() if part == operand)
        case MemoryOperand():
            base = "" if operand.base < 0 else _name(Part(operand.base))
            return f"[{base}{operand.displacement:+d}]" if operand.displacement else f"[{base}]"
        case Constant():
            return "#"
        case Untracked():
            return "?"
        case _:
            raise TypeError(operand)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("4889d8", ["rax ← rbx"]),
        ("89d8", ["rax ← ebx"]),
        ("88d8", ["al ← bl"]),
        ("88fc", ["ah ← bh"]),
        ("0fb6c3", ["rax ← bl"]),
        ("4863c7", ["rax ← edi"]),
        ("488b4708", ["rax ← [rdi+8]"]),
        ("48c7470801000000", ["[rdi+8] ← #"]),
        ("488d440b08", ["rax ← rbx rcx"]),
        ("4801d8", ["rax ← rbx rax", "flags ← rbx rax"]),
        ("4811d8", ["rax ← rbx rax flags:1", "flags ← rbx rax flags:1"]),
        ("31c0", ["rax ← #", "flags ← #"]),
        ("31d8", ["rax ← ebx eax", "flags ← ebx eax"]),
        ("4839d8", ["flags ← rax rbx"]),
        ("4885c0", ["flags ← rax"]),
        ("48ffc0", ["rax ← rax", "flags:8d4 ← rax"]),
        ("f0ff07", ["[rdi] ← [rdi]", "flags:8d4 ← [rdi]"]),
        ("48c1e004", ["rax ← rax #", "flags ← rax #"]),
        ("48d3e0", ["rax ← rax cl", "flags ← rax cl flags"]),
        ("486bc378", ["rax ← rbx #", "flags ← rbx #"]),
        ("48f7f3", ["rax ← rbx rax rdx", "rdx ← rbx rax rdx", "flags ← rbx rax rdx"]),
        ("0f94c0", ["al ← flags:40"]),
        ("480f44c3", ["rax ← rbx flags:40"]),
        ("7405", ["rip ← flags:40 #"]),
        ("ffe0", ["rip ← rax"]),
        ("e800000000", ["rip ← #", "rsp ← rsp", "[rsp-8] ← rip"]),
        ("ff10", ["rip ← [rax]", "rsp ← rsp", "[rsp-8] ← rip"]),
        ("50", ["[rsp-8] ← rax", "rsp ← rsp"]),
        ("6a10", ["[rsp-8] ← #", "rsp ← rsp"]),
        ("58", ["rax ← [rsp]", "rsp ← rsp"]),
        ("5c", ["rsp ← [rsp]"]),
        ("9c", ["[rsp-8] ← rflags", "rsp ← rsp"]),
        ("9d", ["rflags ← [rsp]", "rsp ← rsp"]),
        ("c3", ["rip ← [rsp]", "rsp ← rsp"]),
        ("48cb", ["rip ← [rsp]", "cs ← [rsp+8]", "rsp ← rsp"]),
        ("c9", ["rbp ← [rbp]", "rsp ← rbp"]),
        ("48cf", ["rip ← [rsp]", "cs ← [rsp+8]", "rflags ← [rsp+16]", "rsp ← [rsp+24]", "ss ← [rsp+32]"]),
        ("861a", ["[rdx] ← bl", "bl ← [rdx]"]),
        ("f0480fc11a", ["[rdx] ← rbx [rdx]", "rbx ← [rdx]", "flags ← rbx [rdx]"]),
        ("f0480fb11a", ["[rdx] ← rbx rax [rdx]", "rax ← rax", "flags ← rax [rdx]"]),
        ("0fba642440 09".replace(" ", ""), ["flags:1 ← # [rsp+64]"]),
        ("4898", ["rax ← eax"]),
        ("4899", ["rdx ← rax"]),
        ("8cd1", ["rcx ← ss"]),
        ("8ed1", ["ss ← ecx"]),
        ("0f20d8", ["rax ← ?"]),
        ("0f22d8", []),
        ("fb", ["flags:200 ← #"]),
        ("e421", ["al ← ?"]),
        ("0f30", ["gs_base ← eax edx gs_base ecx"]),
        ("cc", []),
        ("f390", []),
        ("06", []),
    ],
)
def test_an_instruction_sets_what_the_manual_says_from_what_it_says(code: str, text: list[str]) -> None:
    assert told(code) == text


def test_an_instruction_without_a_rule_of_its_own_sets_everything_from_everything() -> None:
    """MOVBE, of which no rule is written; CPUID, whose answers are the CPU's own."""
    assert told("480f38f003") == ["rax ← rbx [rbx]"]
    assert told("0fa2") == [f"{name} ← eax ecx" for name in ("rax", "rbx", "rcx", "rdx")]


class Fetched:
    """A step's inputs as the flow names them, from the state before it; None where the trace does not record them."""

    def __init__(self, step: Step, before: State) -> None:
        self.step, self.regs, self.before = step, before.regs[step.cpu], before

    def value(self, operand: object) -> object:
        match operand:
            case Part():
                return self.regs[operand.register] & operand.mask
            case MemoryOperand():
                address = self.address(operand)
                try:
                    return self.before.memory.read(address, operand.size)
                except ValueError:
                    return None
            case Constant():
                return 0
            case _:
                return None

    def address(self, operand: MemoryOperand) -> int:
        return operand.address(self.regs, self.step.rip + len(self.step.code))


def uses_of(output: Output, step: Step, after: State) -> tuple[Use, ...]:
    """What the output was made from, by its condition."""
    if output.condition is None:
        return output.uses
    flags = after.regs[step.cpu][RFLAGS]
    return output.uses if output.condition.holds(flags) else output.otherwise


def flags_of_comparing(left: int, right: int) -> int:
    """What CMP of two bytes leaves, from the manual's definitions of the flags."""
    result = (left - right) & 0xFF
    signed = _signed(left) - _signed(right)
    flags = CF * (left < right) | ZF * (result == 0) | SF * (result >> 7) | OF * (not -128 <= signed <= 127)
    return flags | PF * (result.bit_count() % 2 == 0)


def _signed(byte: int) -> int:
    return byte - 256 if byte >= 128 else byte


MEANINGS: dict[str, Callable[[int, int], bool]] = {
    "e": lambda left, right: left == right,
    "b": lambda left, right: left < right,
    "be": lambda left, right: left <= right,
    "l": lambda left, right: _signed(left) < _signed(right),
    "le": lambda left, right: _signed(left) <= _signed(right),
    "s": lambda left, right: (left - right) & 0x80 != 0,
    "p": lambda left, right: ((left - right) & 0xFF).bit_count() % 2 == 0,
    "o": lambda left, right: not -128 <= _signed(left) - _signed(right) <= 127,
}
OPPOSITES = {"e": "ne", "b": "ae", "be": "a", "l": "ge", "le": "g", "s": "ns", "p": "np", "o": "no"}


@given(st.integers(0, 255), st.integers(0, 255))
def test_a_condition_holds_when_the_comparison_that_it_is_named_for_does(left: int, right: int) -> None:
    flags = flags_of_comparing(left, right)
    for name, meaning in MEANINGS.items():
        assert CONDITIONS[name].holds(flags) is meaning(left, right)
        assert CONDITIONS[OPPOSITES[name]].holds(flags) is not meaning(left, right)
        assert CONDITIONS[name].holds(flags & CONDITIONS[name].mask) is meaning(left, right)


def test_every_condition_has_its_meaning_tested() -> None:
    assert {*MEANINGS, *OPPOSITES.values()} == set(CONDITIONS)


#: Looked at of each instruction at each address; the rest of the steps only lead on.
MOST_SAMPLES = 60


def instructions(image: Image) -> Iterator[tuple[str, Step, State, State]]:
    """Instructions of every scenario under each of its designs and variants, with the states around them."""
    seen: Counter[tuple[int, bytes]] = Counter()
    runs: list[tuple[str, str, tuple[str, ...]]] = [
        (s.name, design, ()) for s in offered(image) for design in s.designs
    ]
    runs += [(s.name, s.designs[0], (v,)) for s in offered(image) for v in s.variants if fits(image, s, v)]
    for scenario, design, variants in runs:
        fetch = "weak" if scenario in ("patch-live", "torn") else "coherent"
        session = play(image, scenario, design, *variants, fetch=fetch)
        before, after = session.state0.copy(), session.state0.copy()
        for step in session.trace.steps():
            after.apply(step)
            if step.kind is StepKind.INSN and seen[step.rip, step.code] < MOST_SAMPLES:
                seen[step.rip, step.code] += 1
                yield f"{scenario} {design} {variants} {step.moment}", step, before, after
            before.apply(step)


def fits(image: Image, scenario: Scenario, variant: str) -> bool:
    """Whether the variant means something under the scenario's first design."""
    try:
        resolve(image, scenario.name, scenario.designs[0], (variant,))
    except BadInput:
        return False
    return True


@dataclass
class Examined:
    """What all those instructions did that their flows do not explain."""

    count: int = 0
    mnemonics: set[str] = field(default_factory=set)
    unexplained: list[str] = field(default_factory=list)
    miscopied: list[str] = field(default_factory=list)
    misjudged: list[str] = field(default_factory=list)
    contradicted: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def examined(image: Image) -> Examined:
    found = Examined()
    outcomes: dict[tuple[int, bytes, Output, tuple[object, ...]], object] = {}
    for where, step, before, after in instructions(image):
        flow, inputs = FLOWS.of(step.code), Fetched(step, before)
        what = f"{where}: {image.disassembler.text(step.rip, step.code)}"
        found.count += 1
        found.mnemonics.add(image.disassembler.decode(step.code).mnemonic)
        if not explained(flow, step, inputs):
            found.unexplained.append(f"{what}: {step.regs} {step.writes}")
        for output in flow.outputs:
            uses = uses_of(output, step, after)
            taken = tuple(inputs.value(use.operand) for use in uses)
            made = outcome(output, step, inputs, after)
            if output.place == Part(RIP) and output.condition is not None:
                fell_through = after.regs[step.cpu][RIP] == step.rip + len(step.code)
                if (uses == output.otherwise) is not fell_through:
                    found.misjudged.append(what)
            if made is None or None in taken:
                continue
            if output.copies and not isinstance(uses[0].operand, Constant) and made != number(uses[0], taken[0]):
                found.miscopied.append(f"{what}: {output.place} is {made:#x}, not {taken[0]!r}")
            constant = output.place == Part(RIP) or any(isinstance(use.operand, Constant) for use in uses)
            key = (step.rip if constant else 0, step.code, output, taken)
            if outcomes.setdefault(key, made) != made:
                found.contradicted.append(f"{what}: {output} of {taken!r}: {made:#x} and {outcomes[key]:#x}")
    return found


def explained(flow: Flow, step: Step, inputs: Fetched) -> bool:
    """Whether every changed bit of every register, and every byte written, is of some output."""
    for change in step.regs:
        mask = 0
        for part in flow.registers:
            mask |= part.mask if part.register == change.register else 0
        if (change.old ^ change.new) & ~mask:
            return False
    places = [
        (inputs.address(output.place), output.place.size)
        for output in flow.outputs
        if isinstance(output.place, MemoryOperand)
    ]
    stored = [place for place in places if not APIC <= place[0] < APIC + 0x1000]
    return stored == [(write.addr, len(write.new)) for write in step.writes]


def outcome(output: Output, step: Step, inputs: Fetched, after: State) -> int | None:
    """The output's value; None where it went to a device."""
    if isinstance(output.place, Part):
        return (after.regs[step.cpu][output.place.register] & output.place.mask) >> shift(output.place)
    try:
        return int.from_bytes(after.memory.read(inputs.address(output.place), output.place.size), "little")
    except ValueError:
        return None


def number(use: Use, value: object) -> int:
    """A use's value as what is copied from it."""
    if isinstance(value, bytes):
        return int.from_bytes(value, "little")
    assert isinstance(value, int)
    return value >> (shift(use.operand) if isinstance(use.operand, Part) else 0)


def shift(part: Part) -> int:
    return 0 if part.register == RFLAGS else (part.mask & -part.mask).bit_length() - 1


def test_every_change_and_every_store_of_every_scenario_is_an_output(examined: Examined) -> None:
    assert examined.count > 20_000
    assert {"iretq", "pushfq", "popfq", "lock inc", "cmove", "sete", "bt", "cdqe"} <= examined.mnemonics
    assert examined.unexplained == []


def test_every_conditional_jump_went_where_its_condition_says(examined: Examined) -> None:
    assert examined.misjudged == []


def test_what_is_copied_is_the_same_wherever_any_scenario_copies(examined: Examined) -> None:
    assert examined.miscopied == []


def test_the_same_inputs_gave_the_same_output_wherever_they_came_again(examined: Examined) -> None:
    assert examined.contradicted == []
