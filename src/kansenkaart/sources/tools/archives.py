"""Unpacks zip archives and gzipped files without leaving the folder and without filling the disk."""

from __future__ import annotations

import gzip
import shutil
import stat
import uuid
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kansenkaart.errors import FormatError, StoreError

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Bounds:
    """How much an archive may hold: bytes in all [byte], members [1], and how far it may expand [1]."""

    max_bytes: int = 20 << 30
    max_members: int = 20_000
    max_ratio: float = 200.0


def unzip(archive: Path, folder: Path, *, bounds: Bounds | None = None) -> Path:
    """Unpack an archive into a new folder, whole or not at all.

    Parameters
    ----------
    archive : Path
        The zip file.
    folder : Path
        Must not exist yet.
    bounds : Bounds, optional
        Limits; the bytes are counted while unpacking, whatever the archive says of itself.

    Raises
    ------
    FormatError
        If it is no sound zip, a member would leave the folder or is a link, or a limit is passed.
    StoreError
        If the folder exists already or cannot be written.
    """
    limits = bounds or Bounds()
    if folder.exists():
        raise StoreError("a new folder", found="one that exists", where=folder.name, remedy="remove it first")
    draft = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.part")
    try:
        with zipfile.ZipFile(archive) as opened:
            members = _vetted(opened, archive, limits)
            _unpack(opened, members, draft, archive, limits)
        draft.replace(folder)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError) as why:
        raise _refused("a sound zip file", f"{type(why).__name__}: {why}", archive.name) from why
    except OSError as why:
        raise StoreError(
            "room and permission to unpack",
            found=str(why.strerror or why),
            where=archive.name,
            remedy="free disk space, then run again",
        ) from why
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def gunzip(packed: Path, target: Path, *, bounds: Bounds | None = None) -> Path:
    """Unpack one gzipped file, whole or not at all; the bytes are counted while unpacking.

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


def _vetted(opened: zipfile.ZipFile, archive: Path, limits: Bounds) -> list[zipfile.ZipInfo]:
    members = opened.infolist()
    if len(members) > limits.max_members:
        raise _refused(f"at most {limits.max_members} members", str(len(members)), archive.name)
    for one in members:
        path = PurePosixPath(one.filename.replace("\\", "/"))
        drive = ":" in path.parts[0] if path.parts else True
        if path.is_absolute() or ".." in path.parts or drive or "\0" in one.filename:
            raise _refused("members inside the folder", repr(one.filename), archive.name)
        if stat.S_ISLNK(one.external_attr >> 16):
            raise _refused("plain files and folders", f"a link {one.filename!r}", archive.name)
    return members


def _unpack(
    opened: zipfile.ZipFile, members: list[zipfile.ZipInfo], draft: Path, archive: Path, limits: Bounds
) -> None:
    room = min(limits.max_bytes, int(archive.stat().st_size * limits.max_ratio))
    draft.mkdir(parents=True)
    for one in members:
        target = draft / one.filename.replace("\\", "/")
        if one.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened.open(one) as source, target.open("xb") as sink:
            while chunk := source.read(_CHUNK_BYTES):
                room -= len(chunk)
                if room < 0:
                    raise _refused(
                        f"at most {limits.max_bytes} bytes and {limits.max_ratio:g} times the archive's size",
                        "more",
                        f"{archive.name}, {one.filename}",
                    )
                sink.write(chunk)


def _refused(expected: str, found: str, where: str) -> FormatError:
    return FormatError(
        expected, found=found, where=where, remedy="do not trust this file: fetch it again from its publisher"
    )
