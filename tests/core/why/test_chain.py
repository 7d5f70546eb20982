"""Chains: whatever is asked of whatever run, each link's value is the trace's, each step is the last that set it, and
what is copied is what was there; and the stories that the project exists to tell."""

from __future__ import annotations

from random import Random

import pytest

from tests.core.lens.played import only, played
from trapscope.core.errors import BadInput
from trapscope.core.image import Image
from trapscope.core.image.flow import Role
from trapscope.core.lens.events import FramePushed
from trapscope.core.session import Session
from trapscope.core.trace import State
from trapscope.core.types import REGISTERS, RIP, Step
from trapscope.core.why import Bytes, Chain, End, EndCode, Inquiry, Link, Place, Register
from trapscope.core.why.place import is_device

RUNS = [
    ("first-call", "thread", (), "coherent"),
    ("preempt-migrate", "percpu", (), "coherent"),
    ("four-contexts", "thread", (), "coherent"),
    ("patch-live", "gap", (), "weak"),
    ("torn", "thread", ("no-int3",), "weak"),
]


def value_in(state: State, place: Place) -> bytes:
    if isinstance(place, Bytes):
        return state.memory.read(place.address, place.length)
    return place.value(state.regs[place.cpu][place.register]).to_bytes(place.size, "little")


def drawn(session: Session, draw: Random) -> tuple[str, int]:
    """A target and a moment: a register, or bytes near some that were written."""
    moment = draw.randint(1, len(session.trace))
    if draw.random() < 0.5:
        return f"{draw.choice(REGISTERS)}@{draw.randrange(session.spec.cpus)}", moment
    columns = session.trace.columns
    address = int(draw.choice(columns.write_addr)) + draw.randint(-3, 3)
    return f"{address:#x}+{draw.randint(1, 12)}", moment


def code_links(chain: Chain) -> set[int]:
    """Links of bytes as they were decoded, and their parts: what the CPU saw may be older than memory."""
    found = {source.link for link in chain.links for source in link.sources if source.role is Role.CODE}
    return found | {s.link for number in found for s in chain.links[number].sources if s.role is Role.PART}


@pytest.mark.parametrize(("scenario", "design", "variants", "fetch"), RUNS)
def test_every_value_is_the_traces_and_every_step_the_last_that_set_it(
    image: Image, scenario: str, design: str, variants: tuple[str, ...], fetch: str
) -> None:
    session = played(image, scenario, design, *variants, fetch=fetch)
    inquiry, draw = Inquiry(session), Random(7)
    for _ in range(25):
        target, moment = drawn(session, draw)
        chain = inquiry.why(target, str(moment), 40)
        decoded = code_links(chain)
        assert len(chain.links) <= 40
        for number, link in enumerate(chain.links):
            assert link.number == number
            if number not in decoded and not on_device(link.place):
                assert link.value == value_in(session.trace.seek(link.moment), link.place), (target, moment, link)
            if link.step is not None:
                assert link.step < link.moment
                assert set_by(session.trace.step(link.step), link.place)
            assert_it_leads_back(chain, link)


def set_by(step: Step, place: Place) -> bool:
    """Whether the step can have set the place: it is of that CPU, or wrote one of those bytes."""
    if isinstance(place, Register):
        return step.cpu == place.cpu
    return bool(step.device if on_device(place) else step.writes)


def on_device(place: Place) -> bool:
    """Whether it is a register of the local APIC, which no state has."""
    return isinstance(place, Bytes) and is_device(place)


def assert_it_leads_back(chain: Chain, link: Link) -> None:
    """Sources are of the past, and a link without any says why."""
    assert bool(link.sources) or link.end is not None
    for source in link.sources:
        older = chain.links[source.link]
        assert older.moment <= (link.moment if source.role is Role.PART else link.step or 0)


@pytest.mark.parametrize(("scenario", "design", "variants", "fetch"), RUNS)
def test_a_value_stayed_the_same_from_where_it_was_made_to_where_it_was_used(
    image: Image, scenario: str, design: str, variants: tuple[str, ...], fetch: str
) -> None:
    session = played(image, scenario, design, *variants, fetch=fetch)
    inquiry, draw = Inquiry(session), Random(11)
    for _ in range(25):
        target, moment = drawn(session, draw)
        chain = inquiry.why(target, str(moment), 40)
        for link in chain.links:
            for source in link.sources:
                used = chain.links[source.link]
                if (
                    source.role in (Role.CODE, Role.CAUSE)
                    or link.step is None
                    or used.place == Register(cpu_of(session, link), RIP)
                ):
                    continue  # older than memory, perhaps; no memory
                states = (session.trace.seek(at) for at in (used.moment, (used.moment + link.step) // 2, link.step))
                assert {value_in(state, used.place) for state in states} == {used.value}


def cpu_of(session: Session, link: Link) -> int:
    return session.trace.step(link.step or 0).cpu


def test_the_main_line_goes_from_each_link_to_its_first_source_and_ends_where_nothing_leads_on(image: Image) -> None:
    session = played(image, "patch-live")
    inquiry, draw = Inquiry(session), Random(3)
    for _ in range(40):
        target, moment = drawn(session, draw)
        chain = inquiry.why(target, str(moment))
        for number, following in zip(chain.path, chain.path[1:], strict=False):
            assert chain.links[number].sources[0].link == following
        last = chain.links[chain.path[-1]]
        assert last.end is not None
        assert all(source.role is Role.ADDRESS for source in last.sources)


def test_the_same_question_has_the_same_answer_while_the_run_goes_on(image: Image) -> None:
    whole = played(image, "first-call")
    going = Session(image, whole.spec)
    going.feed("0>slot-pushed")
    going.advance(going.max_steps)
    inquiry = Inquiry(going)
    before = inquiry.why("slots[0]@0", "slot-pushed")
    going.feed("0>.")
    going.advance(going.max_steps)
    assert inquiry.why("slots[0]@0", "slot-pushed") == before == Inquiry(whole).why("slots[0]@0", "slot-pushed")
    assert inquiry.why("rax@0", str(len(going.trace))) == Inquiry(whole).why("rax@0", str(len(whole.trace)))


def line_of(session: Session, chain: Chain) -> list[str]:
    """The main line's steps as text."""
    steps = [session.trace.step(link.step) for n in chain.path if (link := chain.links[n]).step is not None]
    disassembler = session.image.disassembler
    return [disassembler.text(step.rip, step.code) if step.code else f"vector {step.vector}" for step in steps]


def test_a_slot_leads_through_the_frame_and_the_int3_to_the_call_of_the_function(image: Image) -> None:
    session = played(image, "first-call")
    chain = Inquiry(session).why("slots[0]@0", "slot-pushed")
    line = line_of(session, chain)
    assert line[0].startswith("mov qword ptr [")
    assert line[-3:] == ["vector 3", "int3", "call traced_fn"]
    int3 = chain.links[chain.path[-2]]
    (code,) = [chain.links[source.link] for source in int3.sources if source.role is Role.CODE]
    assert code.value == b"\xcc"
    assert (image.name(session.trace.step(code.step or 0).rip) or "").startswith("text_poke_opcode+")


def test_what_room_is_left_goes_to_values_before_addresses(image: Image) -> None:
    """The poked `cc` is followed to the constant that it is; the stack pointers, which are long stories, are not."""
    chain = Inquiry(played(image, "first-call")).why("slots[0]@0", "slot-pushed", 18)
    (code,) = [source for link in chain.links for source in link.sources if source.role is Role.CODE]
    stored = chain.links[code.link].sources[0]
    assert chain.links[stored.link].end == End(EndCode.CONSTANT, "the instruction itself says it")
    unfollowed = [link.number for link in chain.links if link.end is not None and link.end.code is EndCode.LIMIT]
    by_address = {source.link for link in chain.links for source in link.sources if source.role is Role.ADDRESS}
    assert set(unfollowed) & by_address


def test_a_part_of_a_copied_value_comes_from_that_part_of_its_source(image: Image) -> None:
    chain = Inquiry(played(image, "first-call")).why("slots[0]@0", "slot-pushed")
    slot, source = chain.links[0].place, chain.links[chain.path[1]].place
    assert isinstance(slot, Bytes)
    assert isinstance(source, Register)
    session = played(image, "first-call")
    part = Inquiry(session).why(f"{slot.address + 4:#x}+2", "slot-pushed")
    assert part.links[part.path[1]].place == Register(0, source.register, 0xFFFF00000000)
    assert [link.value for link in part.links[:2]] == [chain.links[0].value[4:6]] * 2


def test_a_patched_call_leads_to_the_stores_of_the_patcher_on_the_other_cpu(image: Image) -> None:
    session = played(image, "patch-live")
    site = image.symbol("traced_fn").address
    call = next(step for step in session.trace.steps() if step.rip == site and step.code[:1] == b"\xe8")
    chain = Inquiry(session).why(f"rip@{call.cpu}", str(call.moment + 1))
    (code,) = chain.links[0].sources
    parts = [chain.links[source.link] for source in chain.links[code.link].sources]
    assert (code.role, chain.links[code.link].value, chain.links[code.link].step) == (Role.CODE, call.code, None)
    assert [(part.value, str(part.place)) for part in parts] == [
        (call.code[:1], f"{site:#x}+1"),
        (call.code[1:], f"{site + 1:#x}+4"),
    ]
    assert [session.trace.step(part.step or 0).cpu for part in parts] == [1, 1]
    assert chain.path[:3] == (0, code.link, parts[0].number)


def test_a_stale_instruction_leads_to_the_version_that_it_was_decoded_from(image: Image) -> None:
    """Under lag the CPU runs the nop that memory holds no more; no step had written that one."""
    session = played(image, "patch-live", fetch="weak")
    site, inquiry = image.symbol("traced_fn").address, Inquiry(session)
    stale = [
        step
        for step in session.trace.steps()
        if step.rip == site and session.trace.seek(step.moment).memory.read(site, len(step.code)) != step.code
    ]
    assert stale
    for step in stale:
        version = inquiry.decoded(step.moment)
        assert version is not None
        assert version.stale
        written = b"".join(written_by(session, site + at, n, write) for at, n, write in version.stretches)
        assert written == step.code
    first = inquiry.decoded(next(step.moment for step in session.trace.steps() if step.rip == site))
    assert first is not None
    assert not first.stale


def written_by(session: Session, address: int, length: int, write: int | None) -> bytes:
    """What that write left there; what was there at moment 0 where there is none."""
    inquiry_step = 0 if write is None else Inquiry(session).step_of_write(write) + 1
    return session.trace.seek(inquiry_step).memory.read(address, length)


def test_the_words_of_a_delivery_come_from_the_registers_that_it_interrupted(image: Image) -> None:
    session = played(image, "four-contexts")
    inquiry = Inquiry(session)
    for event in only(session.events, "frame-pushed"):
        assert isinstance(event, FramePushed)
        for offset, name in ((0, "rip"), (8, "cs"), (16, "rflags"), (24, "rsp"), (32, "ss")):
            chain = inquiry.why(f"{event.frame.addr + offset:#x}+8", str(event.moment + 1), 12)
            source = chain.links[0].sources[0]
            place = chain.links[source.link].place
            assert chain.links[0].step == event.moment
            assert isinstance(place, Register)
            assert (source.role, REGISTERS[place.register], place.cpu) == (Role.DATA, name, event.cpu)
            if name != "rflags":
                assert chain.links[source.link].value == chain.links[0].value


def test_a_handlers_address_comes_from_its_gate_and_an_int3s_from_the_cc_before_that(image: Image) -> None:
    session = played(image, "four-contexts")
    inquiry, idt = Inquiry(session), image.layouts.variables["idt_table"].address
    for event in only(session.events, "frame-pushed"):
        assert isinstance(event, FramePushed)
        chain = inquiry.why(f"rip@{event.cpu}", str(event.moment + 1), 12)
        sources = {source.role: chain.links[source.link] for source in chain.links[0].sources}
        assert sources[Role.DATA].place == Bytes(idt + 16 * event.vector, 16)
        assert (Role.CODE in sources) == (event.vector == 3)
        if event.vector == 3:
            assert sources[Role.CODE].value == b"\xcc"
            assert chain.path[1] == sources[Role.CODE].number


def test_an_nmis_stack_comes_from_the_task_state_segment(image: Image) -> None:
    session = played(image, "four-contexts")
    taken = only(session.events, "nmi")[0]
    chain = Inquiry(session).why(f"rsp@{taken.cpu}", str(taken.moment + 1), 8)
    source = chain.links[chain.links[0].sources[0].link]
    assert isinstance(source.place, Bytes)
    assert (image.name(source.place.address) or "").startswith("cpu_tss+")
    assert int.from_bytes(source.value, "little") - 40 == int.from_bytes(chain.links[0].value, "little")


def test_a_chain_without_room_says_so_and_a_chain_with_room_says_how_it_ends(image: Image) -> None:
    inquiry = Inquiry(played(image, "first-call"))
    short, long = (inquiry.why("slots[0]@0", "slot-pushed", limit) for limit in (5, 512))
    assert (short.limited, len(short.links) <= 5) == (True, True)
    assert not long.limited
    ends = {link.end.code for link in long.links if link.end is not None}
    assert ends == {EndCode.START, EndCode.CONSTANT}


def test_a_straight_line_of_code_is_one_link_back_to_where_it_began(image: Image) -> None:
    session = played(image, "first-call")
    handler = image.symbol("int3").address
    entered = next(step.moment for step in session.trace.steps() if step.rip == handler)
    chain = Inquiry(session).why("rip@0", str(entered + 9), 8)
    assert [chain.links[number].step for number in chain.path[:2]] == [entered + 8, entered - 1]
    assert chain.links[1].place == Register(0, RIP)


@pytest.mark.parametrize("limit", [0, 513])
def test_a_chain_of_no_links_or_of_too_many_is_refused(image: Image, limit: int) -> None:
    with pytest.raises(BadInput, match=f"a chain has 1 to 512 links, not {limit}"):
        Inquiry(played(image, "first-call")).why("rax@0", "3", limit)


def test_an_error_code_is_the_deliverys_own(image: Image) -> None:
    session = played(image, "stack-room", "gap", "no-gap")
    inquiry = Inquiry(session)
    (fault,) = [step for step in session.trace.steps() if step.error_code >= 0][:1]
    words = {write.addr: inquiry.why(f"{write.addr:#x}+8", str(fault.moment + 1), 8) for write in fault.writes}
    *saved, code = [chain.links[0] for chain in words.values()]
    assert len(saved) == 5
    assert all(link.sources[0].role is Role.DATA for link in saved)
    assert (code.end is not None, int.from_bytes(code.value, "little")) == (True, fault.error_code)
    assert code.end is not None
    assert (code.end.code, code.end.words) == (EndCode.CONSTANT, "the delivery itself says it")
