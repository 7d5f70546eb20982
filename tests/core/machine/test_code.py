"""Instructions recognised by their bytes."""

import pytest

from trapscope.core.machine.code import Trait, traits


@pytest.mark.parametrize(
    ("code", "trait"),
    [
        ("48cf", Trait.IRET),
        ("cf", Trait.IRET),
        ("fb", Trait.STI),
        ("8ed0", Trait.MOV_SS),
        ("668ed0", Trait.MOV_SS),
        ("8ed8", Trait.NONE),
        ("f4", Trait.HALT),
        ("f390", Trait.PAUSE),
        ("90", Trait.NONE),
        ("cc", Trait.INT3),
        ("0f1f440000", Trait.NONE),
        ("e8cf000000", Trait.NONE),
    ],
)
def test_an_instruction_is_known_by_its_bytes(code: str, trait: Trait) -> None:
    assert traits(bytes.fromhex(code)) is trait
