"""How the loops of the core are compiled: kept on disk between runs, made anew when anything that they call changes.

numba looks at one file only, that of the function itself. A loop that calls another in a neighbouring file would go on
with the old one, and give wrong numbers without a word. So what is kept on disk is stamped with the content of the whole
room (`core/area`, `core/solar`, `core/water`; rooms do not know each other) and of the files that the rooms share.

What is not on disk yet is compiled by a process of its own, for a compiler keeps much of what it used; without one, here.

With ``KANSENKAART_VECTORS=0`` the loops over sixteen cells at a time give way to plain ones, with the same results.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import importlib
import inspect
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import IO, Any, TypeVar, cast, overload

import numpy as np
import numpy.typing as npt
from filelock import FileLock
from numba import njit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# Whether loops may be built of vectors of sixteen numbers; where they cannot be made, they are not used anyway.
VECTORS_WANTED = os.environ.get("KANSENKAART_VECTORS") != "0"

_F = TypeVar("_F", bound=Callable[..., Any])

_Key = tuple[str, str, str]
#: What another run compiles is not waited for longer [s]: a loop takes half a minute on a slow processor.
_LONGEST_S = 300.0
_MADE: dict[_Key, Any] = {}


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
        key = (function.__module__, function.__qualname__, variant)
        _MADE[key] = compiled
        lock = Path(kept._cache_path, f"{kept._impl.filename_base}{variant}.lock")
        kept.load_overload = partial(_load, kept.load_overload, key, lock)
    return compiled


def _load(load: Callable[..., Any], key: _Key, lock: Path, types: Any, target: Any) -> Any:
    """Read a loop from disk, after another process has compiled it if need be; None if it is to be compiled here.

    Of runs that lack it at the same time one compiles it, and the others wait for that.
    """
    made = load(types, target)
    if made is not None or not _MAKER.able(key):
        return made
    with contextlib.ExitStack() as held:
        # Where a disk has no locks, or the other takes too long, each compiles for itself.
        with contextlib.suppress(OSError, NotImplementedError):
            held.enter_context(FileLock(lock, timeout=_LONGEST_S))
        made = load(types, target)
        return load(types, target) if made is None and _MAKER.make(key, types) else made


class _Maker:
    """The process that compiles; once that cannot be done, this one does it itself."""

    def __init__(self, *, able: bool) -> None:
        self._able, self._owner = able, os.getpid()
        self._process: subprocess.Popen[bytes] | None = None

    def able(self, key: _Key) -> bool:
        """Tell whether a loop may be compiled elsewhere."""
        return self._able and key[0].startswith("kansenkaart.") and self._owner == os.getpid()

    def make(self, key: _Key, types: Any) -> bool:
        """Tell whether a loop for arguments of such types was compiled elsewhere, and is on disk."""
        try:
            self._process = self._process or _started()
            pickle.dump((key, types), cast(IO[bytes], self._process.stdin))
            cast(IO[bytes], self._process.stdin).flush()
            self._able = cast(IO[bytes], self._process.stdout).readline() == b"made\n"
        except OSError:
            self._able = False
        if not self._able:
            self.end()
        return self._able

    def end(self) -> None:
        """End the process, if there is one; what it holds is free again."""
        if self._process is not None and self._owner == os.getpid():
            self._process.communicate()
            self._process = None


_MAKER = _Maker(able=Path(sys.executable or "").name.startswith("python"))
end_maker = _MAKER.end
atexit.register(end_maker)


def _started() -> subprocess.Popen[bytes]:
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, map(os.path.abspath, sys.path)))}
    command, pipe = [sys.executable, "-P", "-c", f"from {__name__} import _serve; _serve()"], subprocess.PIPE
    return subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)


def _serve() -> None:
    """Compile what is asked for on standard input, until it ends; runs in the process of its own."""
    _MAKER._able, said = False, os.dup(1)
    os.dup2(2, 1)  # what a library prints is no answer
    with contextlib.suppress(EOFError):
        while True:
            key, types = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
            importlib.import_module(key[0])
            _MADE[key].compile(types)
            os.write(said, b"made\n")


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
