"""What a CPU may take, and when: IF, the STI and MOV SS shadows, NMI blocking."""

import pytest

from trapscope.core.machine.apic import LocalApic
from trapscope.core.machine.cpu import Cpu
from trapscope.core.machine.faults import BP, NMI, Event, Source

IF = 1 << 9
STI, MOV_SS, NOP, IRETQ, HLT, PAUSE = b"\xfb", b"\x8e\xd0", b"\x90", b"\x48\xcf", b"\xf4", b"\xf3\x90"


def cpu() -> Cpu:
    return Cpu(0, LocalApic(0, 1, requested={0xEC}))


def vector(state: Cpu, flags: int = 2 | IF) -> int | None:
    event = state.deliverable(flags)
    return None if event is None else event.vector


def test_a_maskable_interrupt_waits_for_if() -> None:
    assert vector(cpu(), 2) is None
    assert vector(cpu(), 2 | IF) == 0xEC


def test_sti_holds_an_interrupt_back_for_one_instruction_only_if_if_was_clear() -> None:
    state = cpu()
    state.retire(STI, lambda: 2)
    assert vector(state) is None
    state.retire(NOP, lambda: 2 | IF)
    assert vector(state) == 0xEC
    state.retire(STI, lambda: 2 | IF)
    assert vector(state) == 0xEC


@pytest.mark.parametrize(("code", "taken"), [(STI, NMI), (MOV_SS, None)])
def test_an_nmi_is_taken_in_an_sti_shadow_and_held_in_a_mov_ss_shadow(code: bytes, taken: int | None) -> None:
    state = cpu()
    state.nmi_pending = True
    state.retire(code, lambda: 2)
    assert vector(state) == taken


def test_nmi_blocking_ends_at_any_iret() -> None:
    state = cpu()
    state.nmi_pending = True
    state.take(Event(NMI, Source.EXTERNAL))
    state.nmi_pending = True
    assert vector(state, 2) is None
    state.retire(IRETQ, lambda: 2)
    assert vector(state, 2) == NMI


def test_an_owed_exception_comes_before_every_interrupt() -> None:
    state = cpu()
    state.nmi_pending = True
    state.owed = Event(BP, Source.SOFTWARE)
    assert vector(state) == BP
    state.take(state.owed)
    assert vector(state) == NMI


def test_hlt_and_pause_make_a_cpu_wait_and_a_delivery_wakes_it() -> None:
    state = cpu()
    state.retire(PAUSE, lambda: 2)
    assert (state.waits, state.halted) == (True, False)
    state.retire(HLT, lambda: 2)
    assert (state.waits, state.halted) == (True, True)
    state.take(Event(0xEC, Source.EXTERNAL))
    assert (state.waits, state.halted) == (False, False)


def test_an_nmi_that_waits_for_an_iret_keeps_the_cpu_stepping_one_by_one() -> None:
    # Or a slice would run past the IRET that lets it in.
    state = Cpu(0, LocalApic(0, 1), nmi_pending=True, nmi_blocked=True)
    assert state.has_pending
    assert vector(state) is None
