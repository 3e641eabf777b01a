"""How the loops of the core are compiled: kept on disk between runs, made anew when anything that they call changes.

numba looks at one file only, that of the function itself. A loop that calls another in a neighbouring file would go on
with the old one, and give wrong numbers without a word. So what is kept on disk is stamped with the content of the whole
room (`core/area`, `core/solar`, `core/water`; rooms do not know each other) and of the files that the rooms share.

With ``KANSENKAART_VECTORS=0`` the loops over sixteen cells at a time give way to plain ones, with the same results.
"""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar, overload

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# Whether loops may be built of vectors of sixteen numbers; where they cannot be made, they are not used anyway.
VECTORS_WANTED = os.environ.get("KANSENKAART_VECTORS") != "0"

_F = TypeVar("_F", bound=Callable[..., Any])


@overload
def kernel(function: _F, /) -> _F: ...


@overload
def kernel(*, variant: str = "", **options: Any) -> Callable[[_F], _F]: ...


def kernel(function: Callable[..., Any] | None = None, /, *, variant: str = "", **options: Any) -> Any:
    """Compile a loop over arrays, once per content of its room; threads run side by side in it.

    Parameters
    ----------
    function : callable
        Compiled at its first call, or read from disk: beside its file, or in the user's cache where that may not be
        written, or below ``NUMBA_CACHE_DIR`` where that is set. Where nothing may be written, each process compiles.
    variant : str
        Kept apart on disk from other variants of the same function.
    **options
        Options of `numba.njit`, such as ``parallel=True``.

    Returns
    -------
    callable
        The compiled function, or the function itself where numba is switched off.
    """
    if function is None:
        return partial(kernel, variant=variant, **options)
    try:
        compiled: Any = njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:  # numba finds no folder that may be written
        return njit(nogil=True, **options)(function)
    if compiled is not function:
        kept, stamp = compiled._cache, stamp_of(Path(inspect.getfile(function)).parent)
        kept._cache_file = type(kept._cache_file)(kept._cache_path, kept._impl.filename_base + variant, stamp)
    return compiled


@cache
def stamp_of(room: Path) -> str:
    """Digest of the content of every Python file in a room, in the folder above it, and here.

    Parameters
    ----------
    room : Path
        Folder of the function that is compiled.

    Returns
    -------
    str
        The same for the same content, wherever it lies and whenever it was written.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in (*sorted(room.glob("*.py")), *sorted(room.parent.glob("*.py")), Path(__file__)):
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)} ".encode() + content)
    return digest.hexdigest()
