"""What stands published: a mark beside the map names every file with its hash, so that damage shows and is mended."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kansenkaart.errors import StoreError
from kansenkaart.tables.provenance import sha256_of

MARK = ".publish.json"


@dataclass(frozen=True)
class Publication:
    """What was published last: its fingerprint, and its files with their hashes."""

    fingerprint: str
    files: Mapping[str, str]


def publication(target: Path) -> Publication | None:
    """Read the mark of a published study.

    Parameters
    ----------
    target : Path
        Folder of the study under ``maps``.

    Returns
    -------
    Publication or None
        None where nothing was published.

    Raises
    ------
    StoreError
        If the mark is damaged.
    """
    path = target / MARK
    if not path.is_file():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        files = {str(name): str(digest) for name, digest in told["files"].items()}
        return Publication(str(told["fingerprint"]), files)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as why:
        raise _damaged(target, MARK, f"no readable list of files: {type(why).__name__} {why}") from why


def stands(target: Path, fingerprint: str) -> bool:
    """Tell whether exactly this was published, and every file of it is there unchanged."""
    try:
        known = publication(target)
    except StoreError:
        return False
    return known is not None and known.fingerprint == fingerprint and not any(_wrong(target, known))


def faults(target: Path) -> list[StoreError]:
    """Return what is wrong with the published files of a study: gone, changed, or without a mark."""
    try:
        known = publication(target)
    except StoreError as why:
        return [why]
    if known is None:
        strays = target.is_dir() and any(one.suffix == ".html" for one in target.iterdir())
        return [_damaged(target, MARK, "a page without its list of files")] if strays else []
    return list(_wrong(target, known))


def _wrong(target: Path, known: Publication) -> Iterator[StoreError]:
    for name, digest in sorted(known.files.items()):
        try:
            path = (target / name).resolve()
        except ValueError:  # a null or half a character
            yield _damaged(target, MARK, f"no name of a file: {name!r}")
            continue
        if not path.is_relative_to(target.resolve()):
            yield _damaged(target, MARK, f"a file outside the folder: {name}")
        elif not path.is_file():
            yield _damaged(target, name, "no such file")
        elif (found := sha256_of(path)) != digest:
            yield _damaged(target, name, f"bytes with sha256 {found[:12]}… where {digest[:12]}… was published")


def _damaged(target: Path, name: str, found: str) -> StoreError:
    return StoreError(
        "a published file as it was written",
        found=found,
        where=f"maps/{target.name}/{name}",
        remedy=f"make it again: kansenkaart run {target.name}",
    )
