"""Everything that is measured, one figure after the other, with what is asked of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from trapscope.bench import peer_qemu
from trapscope.bench.clock import by_turns, rates, seconds
from trapscope.bench.entry import Entry
from trapscope.bench.latencies import queries_99, seek_99
from trapscope.bench.long_run import long_session
from trapscope.bench.measured import Bound, Figure, Samples, ratio
from trapscope.bench.memory import STEPS as MEMORY_STEPS
from trapscope.bench.memory import session_bytes
from trapscope.bench.peer_hook import PlainHooks
from trapscope.bench.recording import Run, observe, record
from trapscope.bench.sizes import scenario_sizes
from trapscope.core.image import Image
from trapscope.core.session.catalogue import CATALOGUE
from trapscope.core.session.schedule import AnyToken

ONE_CPU: Final = "four-contexts"
TWO_CPUS: Final = "patch-live"
QUANTUM_1: Final = "rr*1"
CURVE: Final = (2_000, 20_000, 200_000, 2_000_000)
_ASKED: Final = 200_000
_MIB: Final = 1 << 20
_QEMU_STEPS: Final = 2_000

Tell = Callable[[str], None]


def figures(image: Image, elf: bytes, repeats: int, tell: Tell) -> Iterator[Figure]:
    """Measure everything, `repeats` times; `tell` hears what is being measured now."""
    yield from against_qemu(image, elf, repeats, tell)
    yield against_reg_read(image, repeats, tell)
    yield with_checks(image, repeats, tell)
    yield from sizes(image, tell)
    yield memory(elf, repeats, tell)
    yield from questions(image, repeats, tell)


def against_qemu(image: Image, elf: bytes, repeats: int, tell: Tell) -> Iterator[Figure]:
    """Recorded steps a second, on one CPU and on two that take turns at every step, next to QEMU's gdbstub."""
    entry, turns = Entry.of(image, ONE_CPU), Run.of(image, TWO_CPUS, schedule=QUANTUM_1)
    tokens = turns.tokens()

    def one_cpu() -> Callable[[], object]:
        trace = entry.start()
        return lambda: entry.record(trace, entry.steps)

    def quantum_1() -> Callable[[], object]:
        trace = turns.start()
        return lambda: record(turns.machine, trace, tokens)

    for prepare in (one_cpu, quantum_1):
        seconds(prepare)
    ours, two, theirs = [], [], []
    for turn in range(repeats):
        tell(f"QEMU's gdbstub and recording, {turn + 1} of {repeats}")
        ours.append(entry.steps / seconds(one_cpu))
        two.append(turns.steps / seconds(quantum_1))
        rate, rips = peer_qemu.steps_a_second(image, elf, entry.params, _QEMU_STEPS)
        theirs.append(rate)
        require_same_instructions(entry, rips)
    peer = Samples.of(theirs)
    for name, what, mine, wanted in (
        ("ratio_qemu_one_cpu", "recorded steps, one CPU, against QEMU's gdbstub stepping with registers", ours, 60),
        ("ratio_qemu_quantum_1", "the same, two CPUs that take turns at every step", two, 15),
    ):
        value = ratio(Samples.of(mine), peer, list(zip(mine, theirs, strict=True)))
        yield Figure(name, what, value, "×", Bound.AT_LEAST, wanted, Samples.of(mine), peer, "steps/s")


def against_reg_read(image: Image, repeats: int, tell: Tell) -> Figure:
    """Recorded steps a second next to a Unicorn code hook that reads the same registers with the binding's `reg_read`.

    From the guest's first 64-bit instruction to its first trap: a plain hook delivers no exceptions.
    """
    tell("a plain Unicorn hook and recording")
    entry = Entry.of(image, ONE_CPU)
    count = entry.steps_without_delivery

    def ours() -> Callable[[], object]:
        trace = entry.start()
        return lambda: entry.record(trace, count)

    def theirs() -> Callable[[], object]:
        hooks = PlainHooks(entry.ram, entry.rip)
        return lambda: hooks.run(count)

    pairs = by_turns(ours, theirs, repeats)
    mine, plain = rates(count, [pair[0] for pair in pairs]), rates(count, [pair[1] for pair in pairs])
    value = ratio(mine, plain, [(their, our) for our, their in pairs])
    what = "recorded steps, one CPU, against a Unicorn code hook with the binding's reg_read"
    return Figure("ratio_reg_read", what, value, "×", Bound.AT_LEAST, 8, mine, plain, "steps/s")


def with_checks(image: Image, repeats: int, tell: Tell) -> Figure:
    """How many times as long every scenario takes with lens and checks as it takes to record it alone."""
    runs = [Run.of(image, name) for name in CATALOGUE]
    on, off = [0.0] * repeats, [0.0] * repeats
    for run in runs:
        tell(f"lens and checks: {run.spec.scenario}")
        tokens = run.tokens()

        def observed(run: Run = run) -> Callable[[], object]:
            session = run.session()
            return lambda: observe(session)

        def alone(run: Run = run, tokens: tuple[AnyToken, ...] = tokens) -> Callable[[], object]:
            trace = run.start()
            return lambda: record(run.machine, trace, tokens)

        for turn, (with_lens, without) in enumerate(by_turns(observed, alone, repeats)):
            on[turn] += with_lens
            off[turn] += without
    steps = sum(run.steps for run in runs)
    value = ratio(Samples.of(on), Samples.of(off), list(zip(on, off, strict=True)))
    what = "time with lens and checks against recording alone, all scenarios"
    return Figure("ratio_checks_on", what, value, "×", Bound.AT_MOST, 2, rates(steps, on), rates(steps, off), "steps/s")


def sizes(image: Image, tell: Tell) -> Iterator[Figure]:
    """Bytes a step of the scenario that takes most."""
    tell("bytes a step")
    each = scenario_sizes(image)
    for name, what, parts, wanted in (
        (
            "bytes_raw",
            "bytes a step in the batch encoding",
            {size.scenario: size.raw / size.steps for size in each},
            12,
        ),
        ("bytes_deflated", "the same, deflated", {size.scenario: size.deflated / size.steps for size in each}, 3),
    ):
        worst = max(parts.values())
        value = Samples(worst, min(parts.values()), worst)
        what = f"{what}, of the scenario that takes most"
        yield Figure(name, what, value, "B", Bound.AT_MOST, wanted, parts=parts)


def memory(elf: bytes, repeats: int, tell: Tell) -> Figure:
    """Of an engine process."""
    tell("memory of a session")
    value = Samples.of([session_bytes(elf) / _MIB for _ in range(repeats)])
    what = f"a session of {MEMORY_STEPS:,} steps, above an idle engine process"
    return Figure("session_memory", what, value, "MiB", Bound.AT_MOST, 15)


def questions(image: Image, repeats: int, tell: Tell) -> Iterator[Figure]:
    """Seeking along the curve, and each query at 200,000 steps."""
    at_asked = 0.0
    for steps in CURVE:
        tell(f"{steps:,} steps, to be asked about")
        session = long_session(image, steps)
        tell(f"seeking in {steps:,} steps")
        value = _milliseconds(seek_99(session, repeats))
        wanted = 2 * at_asked if steps > _ASKED else 1.0
        yield Figure(f"seek_{steps}", f"seek, p99, {steps:,} steps", value, "ms", Bound.AT_MOST, wanted)
        if steps == _ASKED:
            at_asked = value.median
            tell("queries")
            for name, each in queries_99(session, repeats).items():
                what = f"{name}, p99, {steps:,} steps"
                yield Figure(f"query_{name.replace('-', '_')}", what, _milliseconds(each), "ms", Bound.AT_MOST, 5)


def _milliseconds(values: Samples) -> Samples:
    return Samples(*(1e3 * value for value in values))


def require_same_instructions(entry: Entry, rips: tuple[int, ...]) -> None:
    """QEMU must have stepped what we record: a step over INT3 is one stop of its stub, and two steps of ours."""
    if rips != entry.rips(len(rips)):
        raise ValueError("QEMU stepped other instructions than were recorded")
