"""A real gdb over recorded runs, forwards and backwards, against the traces' own states."""

from __future__ import annotations

import pytest

from tests.core.lens.played import played
from tests.gdb.conftest import Gdb, Stop
from trapscope.core.image import Image
from trapscope.core.session import Session
from trapscope.core.session.catalogue import CATALOGUE
from trapscope.core.types import REGISTERS


def hold(session: Session, image: Image, stops: list[Stop]) -> None:
    """What gdb showed at each stop is what the trace has at that moment."""
    assert stops
    site = image.symbol("traced_fn").address
    for stop in stops:
        state = session.trace.seek(stop.moment)
        for cpu, file in enumerate(state.regs):
            shown = dict(zip(REGISTERS, stop.registers[str(cpu)], strict=True))
            assert shown == dict(zip(REGISTERS, file, strict=True)), (stop.command, stop.moment, cpu)
        assert stop.site == state.memory.read(site, 5).hex(), (stop.command, stop.moment)


@pytest.mark.parametrize("scenario", sorted(CATALOGUE))
def test_a_run_walked_in_gdb_has_the_traces_states_in_both_directions(image: Image, scenario: str) -> None:
    session = played(image, scenario)
    middle = len(session.trace) // 2
    stops = Gdb(scenario).walk(
        ("stepi", 25), ("reverse-stepi", 10),
        (f"monitor moment {middle}", 1), ("stepi", 15), ("reverse-stepi", 25),
        ("hbreak do_int3", 1), ("continue", 2), ("reverse-continue", 3), ("continue", 1), ("stepi", 4), ("delete", 1),
        ("next", 3), ("step", 3), ("finish", 1), ("reverse-step", 2), ("reverse-next", 2), ("reverse-finish", 1),
        ("continue", 1), ("reverse-stepi", 3), ("reverse-continue", 1),
    )  # fmt: skip
    hold(session, image, stops)
    moments = [stop.moment for stop in stops]
    assert moments[0] > 0
    assert moments[-5] == len(session.trace)
    assert moments[-1] == 0
    steps = [stop for stop in stops[:25] if stop.cpu == stops[0].cpu]
    assert [stop.moment for stop in steps] == sorted({stop.moment for stop in steps})


def test_two_hundred_steps_back_undo_two_hundred_steps_forwards(image: Image) -> None:
    stops = Gdb("first-call").walk(("monitor moment 150", 1), ("stepi", 200), ("reverse-stepi", 200))
    hold(played(image, "first-call"), image, stops)
    there, back = stops[:201], stops[201:]
    assert [stop.moment for stop in back] == [stop.moment for stop in reversed(there[:-1])]
    assert [stop.registers for stop in back] == [stop.registers for stop in reversed(there[:-1])]


def test_a_breakpoint_on_the_patch_site_does_not_show_in_what_gdb_reads_there(image: Image) -> None:
    stops = Gdb("first-call").walk(("break *traced_fn", 1), ("continue", 1), ("stepi", 1))
    hold(played(image, "first-call"), image, stops)
    assert stops[1].site.startswith("cc")  # the guest's own int3, not gdb's
    assert stops[0].site == "0f1f440000"


def test_a_watchpoint_stops_behind_the_store_and_going_back_before_it(image: Image) -> None:
    session = played(image, "first-call")
    pushed = next(event for event in session.events if event.name == "slot-pushed")
    slot = image.symbol("worker").address + image.offset("task_struct", "thread_info.ftrace_int3_stack.slots")
    stops = Gdb("first-call").walk(
        (f"watch *(unsigned long *){slot:#x}", 1), ("continue", 1), ("reverse-continue", 1), ("continue", 1)
    )
    hold(session, image, stops)
    assert stops[1].moment == pushed.moment + 1
    assert stops[2].moment in (pushed.moment, 0)
    assert stops[3].moment == pushed.moment + 1


def test_a_backtrace_leads_through_int3_to_the_function_whose_call_trapped() -> None:
    told = Gdb("first-call").told("break int3_thread_emulate", "continue", "bt")
    frames = [line.split(" in ")[-1].split(" (")[0] for line in told.splitlines() if line.startswith("#")]
    assert [frame.split()[-1] for frame in frames][1:6] == [
        "ftrace_int3_handler", "do_int3", "int3", "traced_fn", "caller_fn",
    ]  # fmt: skip
    assert "ret_from_fork" in frames[-1]
    assert "corrupt" not in told


@pytest.mark.parametrize(
    ("place", "through"),
    [
        ("int3", ["int3", "traced_fn", "caller_fn", "scenario_start", "worker_main"]),
        ("ftrace_int3_stub_regs_caller", ["caller_fn", "scenario_start", "worker_main"]),
        ("ftrace_int3_stub_regs_caller+34", ["traced_fn", "caller_fn", "scenario_start"]),
        ("ftrace_regs_caller", ["traced_fn", "caller_fn", "scenario_start", "worker_main"]),
        ("ftrace_regs_call", ["traced_fn", "caller_fn", "scenario_start", "worker_main"]),
        ("ftrace_ops_list_func", ["ftrace_regs_caller", "traced_fn", "caller_fn"]),
        ("error_exit", ["error_exit", "caller_fn", "scenario_start"]),
        ("native_irq_return_iret", ["error_exit", "caller_fn", "scenario_start"]),
    ],
)
def test_a_backtrace_is_whole_in_entry_stub_and_trampoline(place: str, through: list[str]) -> None:
    # Trampolines are entered before as well, by a call of their own: what is meant is the first time after the trap.
    after = () if place == "int3" else ("delete", f"break *{place}", "continue")
    told = Gdb("first-call").told("break *int3", "continue", *after, "bt")
    frames = [line for line in told.splitlines() if line.startswith("#")]
    at = 0
    for name in through:
        at = next((number for number, line in enumerate(frames[at:], at) if f"{name} (" in line), -1)
        assert at >= 0, f"{name} is missing in\n{told}"
    assert "ret_from_fork" in frames[-1], told


def test_past_the_recorded_ends_gdb_is_told_that_there_is_no_more() -> None:
    told = Gdb("first-call").told("continue", "monitor moment", "reverse-continue", "monitor moment")
    assert told.count("No more reverse-execution history") == 2
    assert "moment 748 of 748" in told
    assert "moment 0 of 748" in told


def test_cpus_are_threads_with_their_context_task_and_trap() -> None:
    told = Gdb("torn").told("break do_int3", "continue", "info threads")
    assert '"CPU 0"' in told
    assert '"CPU 1"' in told
    assert "context of" in told
    assert "trap 1" in told


def test_the_guests_elf_comes_through_the_connection_with_symbols_types_and_lines() -> None:
    told = Gdb("first-call").told(
        "info line do_int3", "ptype struct ftrace_int3_stack", "p sizeof(struct thread_info)", "x/5xb traced_fn"
    )
    assert "traps.c" in told
    assert "slots[4]" in told
    assert "= 56" in told
    assert "0x0f\t0x1f\t0x44\t0x00\t0x00" in told


def test_nothing_of_a_recording_can_be_changed() -> None:
    told = Gdb("first-call").told("set var $rax = 1", "set var *(char *)traced_fn = 0x90", "x/1xb traced_fn", "p $rax")
    assert "Cannot access memory" in told or "recorded run" in told
    assert "0x0f" in told


def test_reading_watchpoints_are_refused_with_gdbs_own_words() -> None:
    told = Gdb("first-call").told("rwatch *(int *)&report", "continue", fails=True)
    assert "Could not insert hardware" in told


def test_monitor_goes_to_events_and_says_why_and_says_what_it_does_not_know() -> None:
    told = Gdb("first-call").told(
        "monitor event slot-pushed", "maintenance flush register-cache", "p $rip", "monitor why slots[0]@0",
        "monitor event nonsense", "monitor moment 99999", "monitor frobnicate", "monitor schedule", "monitor link",
    )  # fmt: skip
    assert "int3_thread_emulate" in told
    assert "traced_fn+0x5" in told
    assert "there is no event “nonsense”" in told
    assert "this run has no moment 99999" in told
    assert "there is no monitor command “frobnicate”" in told
    assert "0*748" in told
    assert "/?scenario=first-call&design=thread#s=" in told


def test_an_injection_from_gdb_is_another_run_from_here() -> None:
    told = Gdb("first-call").told(
        "monitor event push-begun", "monitor inject nmi 0", "maintenance flush register-cache",
        "break do_nmi", "continue", "monitor schedule",
    )  # fmt: skip
    assert "Breakpoint 1, do_nmi" in told
    assert "nmi@0" in told


def test_a_run_that_cannot_be_is_refused_before_gdb_is_answered() -> None:
    told = Gdb("no-such-scenario").told_of_failure()
    assert "no-such-scenario" in told
