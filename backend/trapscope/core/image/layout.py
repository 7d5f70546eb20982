"""The layout of one struct or union, as the compiler made it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trapscope.core.errors import ImageError

_STEP = re.compile(r"^(\w+)((?:\[\d+\])*)$")


@dataclass(frozen=True, slots=True)
class Member:
    """One member: offset and size in bytes, C type, array extents, and the layout of a nested struct."""

    name: str
    offset: int
    size: int
    type: str
    extents: tuple[int, ...]
    struct: StructLayout | None

    @property
    def element_size(self) -> int:
        """The size of one element of the array, or of the member itself."""
        count = 1
        for extent in self.extents:
            count *= extent
        return self.size // count if count else self.size


@dataclass(frozen=True, slots=True)
class StructLayout:
    """A struct or union with its members in order of their offsets."""

    name: str
    keyword: str
    size: int
    members: tuple[Member, ...]

    def member(self, name: str) -> Member:
        for member in self.members:
            if member.name == name:
                return member
        raise ImageError(f"{self.keyword} {self.name} has no member {name!r}")

    @property
    def holes(self) -> tuple[tuple[int, int], ...]:
        """(offset, size) of every run of bytes that no member covers, padding at the end included."""
        found, end = [], 0
        for member in self.members:
            if member.offset > end:
                found.append((end, member.offset - end))
            end = max(end, member.offset + member.size)
        if self.size > end:
            found.append((end, self.size - end))
        return tuple(found)

    def resolve(self, path: str) -> tuple[int, Member]:
        """Offset and member of a path such as `thread_info.ftrace_int3_stack.slots[2]`."""
        layout, offset, member = self, 0, None
        for part in path.split("."):
            match = _STEP.match(part)
            if match is None:
                raise ImageError(f"{path!r} is no path of members")
            if member is not None:
                if member.struct is None:
                    raise ImageError(f"{member.name!r} in {path!r} of struct {self.name} has no members")
                layout = member.struct
            member = layout.member(match[1])
            offset += member.offset
            stride = member.size
            for index, extent in zip(re.findall(r"\d+", match[2]), member.extents, strict=False):
                stride //= extent
                if int(index) >= extent:
                    raise ImageError(f"{part!r} in {path!r} of struct {self.name} is beyond its {extent} elements")
                offset += int(index) * stride
        assert member is not None
        return offset, member
