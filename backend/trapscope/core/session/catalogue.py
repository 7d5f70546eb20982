"""What can be run: designs, variants and scenarios by name, and which combinations make sense.

The catalogue names everything; a guest may implement less of it. `offered` and `resolve` therefore ask the image.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from trapscope.core.errors import BadInput, ImageError
from trapscope.core.image import Image
from trapscope.core.session.scenarios import SCENARIOS, Scenario
from trapscope.core.types import FetchModel, RunSpec

DEFAULT_DESIGN: Final = "thread"


@dataclass(frozen=True, slots=True)
class Design:
    """One way to resolve the trap."""

    name: str
    title: str
    what: str
    origin: str


@dataclass(frozen=True, slots=True)
class Variant:
    """One deliberate mistake or documented alternative, and the designs that it means something under."""

    name: str
    what: str
    designs: tuple[str, ...]


_ANY: Final = ("skip", "thread", "percpu", "gap")
_STACKS: Final = ("thread", "percpu")

DESIGNS: Final = {
    design.name: design
    for design in (
        Design(
            "skip", "treat it as a nop",
            "The handler advances regs->ip by four more bytes, past the instruction that is being rewritten.",
            "v5.0 and v5.1",
        ),
        Design(
            "thread", "a stack in thread_info, and a stub",
            "The handler pushes the return address onto current's ftrace_int3_stack and sends the iret frame to a"
            " stub, which makes the call in the interrupted context.",
            "N. Stange, April 2019: the struct is patch 1/4, read; handler and stub are reconstructed",
        ),
        Design(
            "percpu", "the same stack, one per CPU",
            "As thread, but the stack belongs to the CPU: what the patch argues against.",
            "derived from the patch's own text; never posted as code",
        ),
        Design(
            "gap", "a gap in the int3 entry",
            "The entry copies its frame six words down, and the handler pushes the return address onto the"
            " interrupted stack, into the gap.",
            "merged, v5.2",
        ),
    )
}  # fmt: skip

VARIANTS: Final = {
    variant.name: variant
    for variant in (
        Variant("slot-first", "the push writes the slot before it raises depth", ("thread",)),
        Variant("lower-first", "the pop lowers depth before it reads the slot", ("thread",)),
        Variant("unchecked-depth", "the push does not look whether a slot is left", ("thread",)),
        Variant("flags-exact", "the stub computes with lea only and leaves RFLAGS alone", ("thread",)),
        Variant("no-gap", "push onto the interrupted stack without a gap in the int3 entry", ("gap",)),
        Variant("rsp-8", "the call is made with RSP % 16 = 8 where it is 0 otherwise", _ANY),
        Variant("no-int3", "patch without the breakpoint", _ANY),
        Variant("no-sync-1", "leave out the sync after the breakpoints", _ANY),
        Variant("no-sync-2", "leave out the sync after the tails", _ANY),
        Variant("no-sync-3", "leave out the sync after the first bytes", _ANY),
        Variant("early-done", "modifying_ftrace_code drops before the last sync", _ANY),
        Variant("caller-not-regs", "the stub goes to ftrace_caller, so that fops get no regs", ("thread",)),
        Variant("traced-handler", "the int3 handler calls a traced function", _ANY),
        Variant("traced-preempt", "preempt_schedule_irq() is traced", _ANY),
        Variant("plain-nmi", "the NMI entry has no nesting protocol", _ANY),
    )
}

#: Pairs that cannot both hold: the second names what the first has taken away or replaced.
CONTRADICTIONS: Final = (
    ("early-done", "no-sync-3"),
    ("flags-exact", "lower-first"),
    ("flags-exact", "caller-not-regs"),
    ("lower-first", "caller-not-regs"),
)

CATALOGUE: Final = {scenario.name: scenario for scenario in SCENARIOS}


def offered(image: Image) -> tuple[Scenario, ...]:
    """The scenarios that this guest implements, in the catalogue's order.

    The guest has an entry for each in its table `scenarios`, indexed by `enum scenario_id`, NULL where it has none.
    """
    ids = image.enum("scenario_id")
    table = image.symbol("scenarios").address
    found = []
    for scenario in SCENARIOS:
        number = ids.get(f"SCENARIO_{scenario.name.replace('-', '_')}")
        if number is not None and any(image.bytes_at(table + 8 * number, 8)):
            found.append(scenario)
    if not found:
        raise ImageError("the guest implements no scenario of the catalogue")
    return tuple(found)


def variants_of(scenario: Scenario, design: str) -> tuple[str, ...]:
    """The variants that mean something in the scenario under the design, in the catalogue's order."""
    return tuple(name for name, v in VARIANTS.items() if name in scenario.variants and design in v.designs)


def resolve(
    image: Image,
    scenario: str,
    design: str | None = None,
    variants: Iterable[str] = (),
    fetch: str = FetchModel.COHERENT,
    cpus: int | None = None,
) -> RunSpec:
    """The run that was asked for; raises BadInput, which names what is wrong and what is possible."""
    chosen = _scenario(image, scenario)
    design = DEFAULT_DESIGN if design is None else design
    if design not in DESIGNS:
        raise BadInput(f"there is no design “{design}”; there are {_listed(DESIGNS)}")
    if design not in chosen.designs:
        raise BadInput(f"scenario {scenario} says nothing about design {design}; choose {_listed(chosen.designs)}")
    if fetch not in tuple(FetchModel):
        raise BadInput(f"there is no fetch model “{fetch}”; there are {_listed(FetchModel)}")
    count = chosen.cpus if cpus is None else cpus
    if not chosen.cpus <= count <= chosen.most_cpus:
        raise BadInput(f"scenario {scenario} runs on {_extent(chosen)}, not on {count}")
    return RunSpec(scenario, design, _variants(chosen, design, tuple(variants)), FetchModel(fetch), count)


def _scenario(image: Image, name: str) -> Scenario:
    there = {scenario.name: scenario for scenario in offered(image)}
    if name in there:
        return there[name]
    if name in CATALOGUE:
        raise BadInput(f"this guest does not implement scenario {name}; it has {_listed(there)}")
    raise BadInput(f"there is no scenario “{name}”; there are {_listed(there)}")


def _variants(scenario: Scenario, design: str, wanted: tuple[str, ...]) -> tuple[str, ...]:
    possible = variants_of(scenario, design)
    for name in wanted:
        if name not in VARIANTS:
            raise BadInput(f"there is no variant “{name}”; {_choice(scenario, design, possible)}")
        if name not in possible:
            raise BadInput(f"variant {name} means nothing here; {_choice(scenario, design, possible)}")
    for one, other in CONTRADICTIONS:
        if one in wanted and other in wanted:
            raise BadInput(f"variants {one} and {other} contradict each other; choose one")
    return tuple(name for name in possible if name in wanted)


def _choice(scenario: Scenario, design: str, possible: tuple[str, ...]) -> str:
    where = f"scenario {scenario.name} under design {design}"
    return f"{where} has {_listed(possible)}" if possible else f"{where} has none"


def _extent(scenario: Scenario) -> str:
    if scenario.cpus == scenario.most_cpus:
        return f"{scenario.cpus} CPU" if scenario.cpus == 1 else f"{scenario.cpus} CPUs"
    return f"{scenario.cpus} to {scenario.most_cpus} CPUs"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
