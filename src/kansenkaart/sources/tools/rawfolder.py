"""Keeps deliveries under ``data/raw/<publisher>/<edition>/``: written whole, and never replaced by different bytes."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from kansenkaart.errors import ConfigError, StoreError
from kansenkaart.tables.provenance import sha256_of
from kansenkaart.tables.store import alone, atomic

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,119}")
_SUFFIX_DIGITS = 8
_EDITION_DIGITS = 16
#: What nobody wrote to for so long is of a killed run: a run may take less, and a broken download waits less [s].
_LEFT_AFTER_S = 24 * 3600.0


def plain_name(text: object) -> str:
    """Return a text, or what a publisher gave in its place, as a safe name of one file or folder.

    Raises
    ------
    ConfigError
        If nothing safe is left of it.
    """
    name = re.sub(r"[^A-Za-z0-9._+-]+", "-", str(text)).strip("-.")[:120]
    if not _PLAIN.fullmatch(name):
        raise ConfigError(
            "a name with letters or digits",
            found=repr(text),
            where="publisher, edition or place",
            remedy="correct the edition or place",
        )
    return name


def digest_of(parts: Mapping[str, bytes]) -> str:
    """Return the sha256 of all parts in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(parts):
        digest.update(parts[name])
    return digest.hexdigest()


def edition_named(sha256: str) -> str:
    """Name an edition after the hash of its bytes, for services that state no date or version of their own.

    Parameters
    ----------
    sha256 : str
        The hash, in hexadecimal digits.
    """
    return f"sha256-{sha256[:_EDITION_DIGITS]}"


def clear_left(root: Path) -> None:
    """Take away what killed runs left half written below ``data/raw``.

    Of all studies: so it is not what another run writes now, and a broken download can still be gone on with for a day.

    Parameters
    ----------
    root : Path
        The folder ``data/raw``.
    """
    with contextlib.suppress(FileNotFoundError):  # of another run, that wrote it meanwhile: the next start looks again
        for left in [one for one in root.rglob(".*.part") if time.time() - one.lstat().st_mtime > _LEFT_AFTER_S]:
            left.with_name(f"{left.name}.tag").unlink(missing_ok=True)
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    StoreError
        If the disk is full or the folder cannot be written; what stood there stays.
    """
    try:
        with atomic(path) as part:
            part.write_bytes(content)
    except OSError as why:
        raise unwritable(path, why) from why


@contextlib.contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Let one process at a time make a file; the others wait. The lock of a process that died counts for nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path.with_name(f".{path.name}.lock"), wait=True):
        yield


def keep_file(root: Path, publisher: str, edition: str, name: str, content: bytes) -> tuple[Path, str]:
    """Keep one delivered file; see `keep_files`."""
    return keep_files(root, publisher, edition, name, {"": content})


def keep_draft(root: Path, publisher: str, edition: str, name: str, draft: Path, sha256: str) -> tuple[Path, str]:
    """Keep a file that was written beside its place, as `keep_file` keeps bytes; the draft is moved or removed.

    Parameters
    ----------
    root, publisher, edition, name
        As for `keep_files`.
    draft : Path
        The file written, on the same disk.
    sha256 : str
        Its hash.

    Raises
    ------
    StoreError
        As `keep_files`.
    """
    first = plain_name(edition)
    try:
        for choice in (first, f"{first}-{sha256[:_SUFFIX_DIGITS]}"):
            target = root / plain_name(publisher) / choice / plain_name(name)
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                draft.replace(target)
                return target, choice
            if target.is_file() and sha256_of(target) == sha256:
                return target, choice
    except OSError as why:
        raise unwritable(target, why) from why
    finally:
        draft.unlink(missing_ok=True)
    raise _changed(f"{publisher}/{choice}/{name}")


def keep_files(root: Path, publisher: str, edition: str, name: str, parts: Mapping[str, bytes]) -> tuple[Path, str]:
    """Keep a delivery of several files as one folder.

    Parameters
    ----------
    root : Path
        The folder ``data/raw``.
    publisher, edition, name : str
        Where: ``<publisher>/<edition>/<name>``. If that edition holds other bytes, the new ones go to
        ``<edition>-<first digits of their hash>``, so that both stay.
    parts : mapping of str to bytes
        Relative path to content.

    Returns
    -------
    path : Path
        The kept folder.
    edition : str
        The edition as kept.

    Raises
    ------
    StoreError
        If it cannot be written; what was kept before stays as it is.
    """
    first = plain_name(edition)
    for choice in (first, f"{first}-{digest_of(parts)[:_SUFFIX_DIGITS]}"):
        target = root / plain_name(publisher) / choice / plain_name(name)
        if not target.exists():
            _write_whole(target, parts)
        if _holds(target, parts):
            return target, choice
    raise _changed(f"{publisher}/{choice}/{name}")


def _changed(where: str) -> StoreError:
    return StoreError(
        "an edition that keeps its bytes",
        found="other bytes than when it was kept",
        where=where,
        remedy="a kept file was changed by hand: move it away and fetch again",
    )


def _holds(target: Path, parts: Mapping[str, bytes]) -> bool:
    if target.is_file():
        return set(parts) == {""} and target.read_bytes() == parts[""]
    kept = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    return kept == set(parts) and all((target / one).read_bytes() == parts[one] for one in parts)


def _write_whole(target: Path, parts: Mapping[str, bytes]) -> None:
    if set(parts) == {""}:
        write_atomic(target, parts[""])
        return
    draft = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        for name, content in parts.items():
            write_atomic(draft / name, content)
        draft.replace(target)
    except OSError as why:
        if not target.is_dir():  # else another run kept it meanwhile
            raise unwritable(target, why) from why
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def unwritable(path: Path, why: OSError) -> StoreError:
    """Return the error of a file that could not be written; nothing was replaced.

    Parameters
    ----------
    path : Path
        The file.
    why : OSError
        What the disk said.
    """
    return StoreError(
        "room and permission to write",
        found=str(why.strerror or why),
        where=path.name,
        remedy="free disk space or correct the folder's permissions, then run again; nothing was replaced",
    )
