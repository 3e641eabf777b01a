"""How the compiled loops of area sizing are compiled: cached, without the interpreter's lock, typed for the checker."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_F = TypeVar("_F", bound=Callable[..., object])


def kernel(function: _F) -> _F:
    """Compile a loop over plain arrays; the result is kept on disk between runs and lets threads run side by side."""
    return cast(_F, njit(cache=True, nogil=True)(function))
