"""An array of one numpy type that grows at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

_Scalar = TypeVar("_Scalar", bound=np.generic)
_LEAST: Final = 256


class Column(Generic[_Scalar]):
    """Values 0 … len-1. It takes at most twice the room that its values need."""

    __slots__ = ("_data", "_length")

    def __init__(self, dtype: type[_Scalar]) -> None:
        self._data: NDArray[_Scalar] = np.empty(_LEAST, dtype)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Any:
        """One value, as a Python number; `index` ≥ 0 is not checked against the length."""
        return self._data.item(index)

    def extend(self, values: NDArray[Any] | Sequence[int]) -> None:
        """Add values at the end."""
        end = self._length + len(values)
        if end > len(self._data):
            grown = np.empty(max(end, len(self._data) * 3 // 2), self._data.dtype)
            grown[: self._length] = self._data[: self._length]
            self._data = grown
        self._data[self._length : end] = values
        self._length = end

    @property
    def values(self) -> NDArray[_Scalar]:
        """All values, not to be written; true until the next `extend`."""
        view = self._data[: self._length]
        view.flags.writeable = False
        return view
