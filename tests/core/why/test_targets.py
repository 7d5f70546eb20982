"""Targets as people type them: what each names at a moment, what it is called, and how a wrong one is refused."""

from __future__ import annotations

import pytest

from tests.core.lens.played import only, played
from trapscope.core.errors import BadInput
from trapscope.core.image import Image
from trapscope.core.lens.events import StackAccess
from trapscope.core.why import Bytes, Inquiry, Place, Question, Register


def place(inquiry: Inquiry, target: str, at: str = "0") -> Place:
    return inquiry.why(target, at, 40).links[0].place


def test_depth_and_slots_are_those_of_the_current_task(image: Image) -> None:
    session = played(image, "four-contexts")
    inquiry = Inquiry(session)
    for event in only(session.events, "slot-pushed"):
        assert isinstance(event, StackAccess)
        at = str(event.moment + 1)
        depth, slot = (inquiry.why(f"{what}@{event.cpu}", at).links[0] for what in ("depth", f"slots[{event.index}]"))
        assert int.from_bytes(depth.value, "little") == event.depth
        assert int.from_bytes(slot.value, "little") == event.value
        assert inquiry.name(slot.place) == f"{event.owner}: slots[{event.index}]"


def test_under_percpu_they_are_the_cpus_own(image: Image) -> None:
    session = played(image, "preempt-migrate", "percpu")
    inquiry, pushed = Inquiry(session), only(session.events, "slot-pushed")[0]
    assert isinstance(pushed, StackAccess)
    slot = inquiry.why(f"slots[0]@{pushed.cpu}", str(pushed.moment + 1)).links[0]
    assert int.from_bytes(slot.value, "little") == pushed.value
    assert inquiry.name(slot.place) == f"CPU {pushed.cpu}: slots[0]"


def test_a_symbol_is_all_of_it_and_an_offset_needs_a_length(image: Image) -> None:
    inquiry, report = Inquiry(played(image, "first-call")), image.symbol("report").address
    modifying = image.symbol("modifying_ftrace_code")
    assert place(inquiry, "modifying_ftrace_code") == Bytes(modifying.address, 4)
    assert place(inquiry, "report:4") == Bytes(report, 4)
    assert place(inquiry, "report+0x10:4") == place(inquiry, "report+16:4") == Bytes(report + 16, 4)
    assert place(inquiry, f"{report:#x}+8") == place(inquiry, f"{report:#x}:8") == Bytes(report, 8)


def test_places_are_named_by_what_lies_there(image: Image) -> None:
    inquiry = Inquiry(played(image, "two-sites"))
    names = {target: inquiry.name(place(inquiry, target)) for target in ("al@1", "rflags[zf]@0", "traced_fn+1:4")}
    assert names == {"al@1": "al of CPU 1", "rflags[zf]@0": "rflags[zf] of CPU 0", "traced_fn+1:4": "traced_fn+0x1"}
    area = image.symbol("percpu_areas").address + image.symbol("current_task").address
    assert inquiry.name(Bytes(area, 8)) == "current_task of CPU 0"
    assert inquiry.name(Bytes(area - 0xFFFFFFFF80000000 + 0xFFFF888000000000, 8)) == "current_task of CPU 0"


def test_code_is_a_symbols_range_or_one_address(image: Image) -> None:
    inquiry, handler = Inquiry(played(image, "first-call")), image.symbol("do_int3")
    found = [
        inquiry.find(Question.NEXT_EXECUTION, target, "0")[0] for target in ("do_int3", "do_int3+0x4", "do_int3:8")
    ]
    assert found == [Bytes(handler.address, handler.size), Bytes(handler.address + 4, 1), Bytes(handler.address, 8)]


def test_a_register_is_the_named_part(image: Image) -> None:
    inquiry = Inquiry(played(image, "first-call"))
    assert place(inquiry, "ah@0") == Register(0, 0, 0xFF00)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("", "“” is no target: give a register of a CPU (rax@0), depth@0 or slots[1]@0"),
        ("rax", "“rax”: of which CPU? rax@0"),
        ("depth", "“depth”: of which CPU? depth@0"),
        ("rip:8", "“rip:8”: of which CPU? rip@0"),
        ("rax@1", "“rax@1”: this run has no CPU 1, only CPU 0"),
        ("xmm0@0", "a CPU has no “xmm0”: a trace has rax, rbx"),
        ("slots[4]@0", "there is no slots[4]: an int3 stack has slots[0] to slots[3]"),
        ("nobody+4:8", "“nobody+4:8”: the guest has no symbol nobody"),
        ("report+4", "“report+4” needs a length in bytes, 1 to 64: report+4:8"),
        ("thread_stacks", "“thread_stacks” needs a length in bytes, 1 to 64: thread_stacks:8"),
        ("report:65", "“report:65”: a length is 1 to 64 bytes, not 65"),
        ("report:0", "“report:0”: a length is 1 to 64 bytes, not 0"),
        ("0xffffffff81000000", "“0xffffffff81000000” needs a length in bytes: 0xffffffff81000000+8"),
        ("0x0+8", "0x0+8 is not in the guest's RAM"),
        ("0xfee00000+4", "0xfee00000+4 is not in the guest's RAM"),
        ("0xffffffff810fffff+2", "0xffffffff810fffff+2 is not in the guest's RAM"),
        ("current_task", "“current_task”: every CPU has its own current_task, at 0x"),
    ],
)
def test_a_target_that_names_nothing_is_refused_with_what_would_be_right(image: Image, target: str, why: str) -> None:
    with pytest.raises(BadInput) as refused:
        Inquiry(played(image, "first-call")).why(target, "3")
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_per_cpu_symbol_is_refused_with_the_addresses_that_it_has(image: Image) -> None:
    inquiry = Inquiry(played(image, "two-sites"))
    with pytest.raises(BadInput) as refused:
        inquiry.why("current_task", "3")
    first, second = str(refused.value).partition(" at ")[2].partition(":")[0].split(", ")
    names = [inquiry.name(place(inquiry, f"{address}+8")) for address in (first, second)]
    assert names == ["current_task of CPU 0", "current_task of CPU 1"]
