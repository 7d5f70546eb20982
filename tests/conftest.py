"""What every part of the suite stands on: the built guest, as bytes and as an image."""

from __future__ import annotations

import pytest
from hypothesis import settings

from trapscope import assets
from trapscope.core.image import Image

# A shared machine may stop any one example for a while; a hang is pytest-timeout's to find.
settings.register_profile("trapscope", deadline=None)
settings.load_profile("trapscope")


@pytest.hookimpl(tryfirst=True)  # xdist's own, which reads the groups, must find them
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What one worker runs of a suite that several share: a file, as its tests share fixtures; and all of packaging,
    whose builds are dear."""
    for item in items:
        folder = item.path.parent
        item.add_marker(pytest.mark.xdist_group(folder.name if folder.name == "packaging" else item.path.stem))
        if folder.name in ("packaging", "bench"):
            item.add_marker(pytest.mark.timeout(900))  # whole builds, and the whole benchmark, beside other workers


@pytest.fixture(scope="session")
def guest_elf() -> bytes:
    """The guest that `make guest` built."""
    return assets.guest_elf()


@pytest.fixture(scope="session")
def image(guest_elf: bytes) -> Image:
    """The guest, read."""
    return Image.from_bytes(guest_elf)
