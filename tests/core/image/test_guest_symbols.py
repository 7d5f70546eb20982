"""The real guest's symbols."""

from trapscope.core.image import Image


def test_only_offsets_within_the_per_cpu_section_are_per_cpu(image: Image) -> None:
    # The linker files a label that stands between two sections under the one before it.
    per_cpu = {symbol.name for symbol in image.symbols if symbol.per_cpu}
    assert "current_task" in per_cpu
    assert not {"_text", "_etext", "_end"} & per_cpu
