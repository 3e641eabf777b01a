"""Unpacks gzipped files whole or not at all, and without filling the disk."""

from __future__ import annotations

import gzip
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path

from kansenkaart.errors import FormatError, StoreError

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Bounds:
    """How much a packed file may hold: bytes [byte], and how far it may expand [1]."""

    max_bytes: int = 20 << 30
    max_ratio: float = 200.0


def gunzip(packed: Path, target: Path, *, bounds: Bounds | None = None) -> Path:
    """Unpack one gzipped file, whole or not at all; the bytes are counted while unpacking.

    Parameters
    ----------
    packed : Path
        The gzipped file.
    target : Path
        Where to unpack it.
    bounds : Bounds, optional
        Limits.

    Returns
    -------
    Path
        The target.

    Raises
    ------
    FormatError
        If it is no sound gzip file or a limit is passed.
    StoreError
        If the target cannot be written.
    """
    limits = bounds or Bounds()
    room = min(limits.max_bytes, int(packed.stat().st_size * limits.max_ratio))
    draft = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        with gzip.open(packed) as source, draft.open("xb") as sink:
            while chunk := source.read(_CHUNK_BYTES):
                room -= len(chunk)
                if room < 0:
                    raise _refused(f"at most {limits.max_ratio:g} times the size of the file", "more", packed.name)
                sink.write(chunk)
        draft.replace(target)
    except (gzip.BadGzipFile, EOFError, zlib.error) as why:
        raise _refused("a sound gzip file", f"{type(why).__name__}: {why}", packed.name) from why
    except OSError as why:
        raise StoreError(
            "room and permission to unpack",
            found=str(why.strerror or why),
            where=packed.name,
            remedy="free disk space, then run again",
        ) from why
    finally:
        draft.unlink(missing_ok=True)
    return target


def _refused(expected: str, found: str, where: str) -> FormatError:
    return FormatError(
        expected, found=found, where=where, remedy="do not trust this file: fetch it again from its publisher"
    )
