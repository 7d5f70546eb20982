"""The catalogue, in the shapes of the REST API."""

from __future__ import annotations

from trapscope.core.image import Image
from trapscope.core.session.catalogue import DEFAULT_DESIGN, DESIGNS, VARIANTS, offered, variants_of
from trapscope.wire.rest import DesignChoice, DesignInfo, DesignList, ScenarioInfo, ScenarioList, VariantInfo


def scenario_list(image: Image) -> ScenarioList:
    """What this guest implements."""
    return ScenarioList(
        scenarios=[
            ScenarioInfo(
                name=scenario.name,
                title=scenario.title,
                question=scenario.question,
                sentences=list(scenario.sentences),
                introduction=scenario.introduction,
                designs=[
                    DesignChoice(name=design, variants=list(variants_of(scenario, design)))
                    for design in scenario.designs
                ],
                default_design=DEFAULT_DESIGN,
                cpus=scenario.cpus,
                most_cpus=scenario.most_cpus,
                schedule=scenario.schedule,
            )
            for scenario in offered(image)
        ]
    )


def design_list() -> DesignList:
    """Every design and variant, in the catalogue's order."""
    return DesignList(
        designs=[
            DesignInfo(name=design.name, title=design.title, what=design.what, origin=design.origin)
            for design in DESIGNS.values()
        ],
        variants=[
            VariantInfo(name=variant.name, what=variant.what, designs=list(variant.designs))
            for variant in VARIANTS.values()
        ],
    )
