"""What stands published: a mark beside the files names every one with its hash, so that damage shows and is mended.

Map, factsheets and layers have their mark in the folder of the study, the feasibility reports in the folder below it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kansenkaart.errors import StoreError
from kansenkaart.tables.provenance import sha256_of
from kansenkaart.tables.store import atomic

MARK = ".publish.json"
REPORTS = "haalbaarheid"


@dataclass(frozen=True)
class Publication:
    """What was published last: its fingerprint, and its files with their hashes."""

    fingerprint: str
    files: Mapping[str, str]


def publication(folder: Path) -> Publication | None:
    """Read the mark of a folder of published files.

    Parameters
    ----------
    folder : Path
        Folder of the study under ``maps``, or that of its reports.

    Returns
    -------
    Publication or None
        None where nothing was published.

    Raises
    ------
    StoreError
        If the mark is damaged.
    """
    path = folder / MARK
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        files = {str(name): str(digest) for name, digest in content["files"].items()}
        return Publication(str(content["fingerprint"]), files)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as why:
        raise _damaged(folder, MARK, f"no readable list of files: {type(why).__name__} {why}") from why


def record(folder: Path, fingerprint: str, files: Iterable[Path]) -> None:
    """Write down what was published in a folder.

    Parameters
    ----------
    folder : Path
        Folder of the study under ``maps``, or that of its reports.
    fingerprint : str
        Of what the files were made from.
    files : iterable of Path
        All files that were published, in the folder or below it.
    """
    content = {"fingerprint": fingerprint, "files": {str(one.relative_to(folder)): sha256_of(one) for one in files}}
    with atomic(folder / MARK) as part:
        part.write_text(json.dumps(content, sort_keys=True, indent=1) + "\n", encoding="utf-8")


def stands(folder: Path, fingerprint: str) -> bool:
    """Tell whether exactly this was published, and every file of it is there unchanged.

    Parameters
    ----------
    folder : Path
        Where it was published.
    fingerprint : str
        Of what would be published now.
    """
    try:
        known = publication(folder)
    except StoreError:
        return False
    return known is not None and known.fingerprint == fingerprint and not any(_wrong(folder, known))


def faults(target: Path) -> list[StoreError]:
    """Return what is wrong with the published files of a study, reports included: gone, changed, or without a mark.

    Parameters
    ----------
    target : Path
        Folder of the study under ``maps``.
    """
    return [fault for folder in (target, target / REPORTS) for fault in _faults(folder)]


def _faults(folder: Path) -> list[StoreError]:
    try:
        known = publication(folder)
    except StoreError as why:
        return [why]
    if known is None:
        strays = folder.is_dir() and any(one.suffix == ".html" for one in folder.iterdir())
        return [_damaged(folder, MARK, "a page without its list of files")] if strays else []
    return list(_wrong(folder, known))


def _wrong(folder: Path, known: Publication) -> Iterator[StoreError]:
    for name, digest in sorted(known.files.items()):
        try:
            path = (folder / name).resolve()
        except ValueError:  # a null or half a character
            yield _damaged(folder, MARK, f"no name of a file: {name!r}")
            continue
        if not path.is_relative_to(folder.resolve()):
            yield _damaged(folder, MARK, f"a file outside the folder: {name}")
        elif not path.is_file():
            yield _damaged(folder, name, "no such file")
        elif (found := sha256_of(path)) != digest:
            yield _damaged(folder, name, f"bytes with sha256 {found[:12]}… where {digest[:12]}… was published")


def _damaged(folder: Path, name: str, found: str) -> StoreError:
    inside = [folder.parent.name, folder.name] if folder.name == REPORTS else [folder.name]
    return StoreError(
        "a published file as it was written",
        found=found,
        where="/".join(("maps", *inside, name)),
        remedy=f"make it again: kansenkaart run {inside[0]}",
    )
