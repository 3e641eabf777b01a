"""Where each delivery of a study is, and how several deliveries of one role become one table.

A delivery is a file as published, the embedded example, or fetched from its publisher. Neighbouring deliveries share
objects: equal copies count once, and of two that contradict each other the newer one counts if their dates say which.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from kansenkaart.acquire.live import Errand
from kansenkaart.config import DATA_VARIABLE, Folders, Source
from kansenkaart.errors import ConfigError, FormatError
from kansenkaart.sources import ahn, publishers
from kansenkaart.sources.tools.geofiles import open_raster
from kansenkaart.sources.tools.rawnames import plain, reading, some
from kansenkaart.tables import schemas
from kansenkaart.tables.provenance import Provenance, Tally
from kansenkaart.tables.step import Product, Step, version_of
from kansenkaart.tables.store import Store, alone

EXAMPLE = "proefveld"
EXAMPLE_EDITION = "1"
#: What writes the examples, and what it reads.
_WRITERS = (
    "sources/example",
    "data/town.toml",
    "data/example_constants.json",
    "data/example_columns.csv",
    "data/example_knmi.txt.gz",
    "data/proefveld.json.gz",
    "data/proefveld.epw.gz",
)
SAME_OBJECT = "same object in another delivery"
#: What is compared, where it is not the table's own key: all faces of a building come from one tile.
_OBJECT = {"roof_face": ("pand_id",)}
#: Two copies are equal if corners and figures differ by no more than a millimetre [m].
_EQUAL_M = 1e-3
_DATE = re.compile(r"v?\.?((?:19|20)?\d{2})[-._]?(\d{1,2})?[-._]?(\d{1,2})?")
_NO_LAYERS = ("dsm", "dtm", "statistics")


@dataclass(frozen=True)
class Delivery:
    """A delivery on disk: one file or folder, or several sheets, and where it comes from."""

    paths: tuple[Path, ...]
    provenance: tuple[Provenance, ...]


def deliver(source: Source, errand: Errand) -> Delivery:
    """Find or fetch one delivery.

    Parameters
    ----------
    source : Source
        What the study says of it.
    errand : Errand
        The study and its folders, and what this run has fetched already.

    Raises
    ------
    ConfigError
        If the file is not there, or lies outside its folder.
    FetchError, IncompleteError
        If a publisher gives no usable or no complete answer; what was fetched before stays as it was.
    """
    study, folders = errand.study, errand.folders
    if source.origin in ("live", "bulk"):
        paths, provenance = errand.fetch(source)
        return Delivery(paths, (provenance,))
    base = folders.published if source.origin == "file" else example_folder(folders, source.publisher, source.edition)
    path = (base / str(source.path)).resolve()
    if not path.is_relative_to(base.resolve()):
        raise ConfigError(
            "a path inside the data folder",
            found=str(source.path),
            where=f"study {study.name}",
            remedy="name a file below the data folder",
        )
    if source.layer and source.origin == "file" and source.role in _NO_LAYERS:
        raise ConfigError(
            f"no layer for role {source.role}",
            found=f'layer = "{source.layer}"',
            where=f"study {study.name}",
            remedy="leave layer out: this role has no layers; name the file itself in path",
        )
    if not path.exists():
        raise ConfigError(
            f"the published file for {source.role}",
            found="no such file",
            where=str(source.path),
            remedy=f"{_nearby(path, base)}: correct path in the study, or set {DATA_VARIABLE} to the folder that holds it",
        )
    record = publishers.delivery(
        source.publisher,
        role=source.role,
        edition=source.edition,
        address=str(source.path),
        sha256=errand.hash_of(*_files(plain(path), source.role)),
        year=source.year,
    )
    return Delivery((path,), (record,))


def _nearby(path: Path, base: Path) -> str:
    """Say what is there instead: the names in the folder where the file should be."""
    folder = path.parent
    while not folder.is_dir() and folder != base.parent:
        folder = folder.parent
    if not folder.is_dir():
        return f"there is no data folder {base.name}"
    names = sorted(one.name for one in folder.iterdir() if not one.name.startswith("."))
    same = [one for one in names if one.casefold() == path.name.casefold()]
    shown = ", ".join(same or names[:8]) or "nothing"
    return f"in {folder.name}/ there is {shown}"


@dataclass(frozen=True)
class Part:
    """One file of a role, read: its name and edition, its rows, and the count of what was left out."""

    name: str
    edition: str
    frame: pd.DataFrame
    tally: Tally


def join(table: str, parts: Sequence[Part]) -> tuple[pd.DataFrame, Tally]:
    """Return the rows of all files of one role as one table, with each object once.

    Parameters
    ----------
    table : str
        Name of the table, whose key says what one object is; of roof faces that is the pand.
    parts : sequence of Part
        In the order of the study.

    Raises
    ------
    FormatError
        If two files contradict each other and their editions do not say which is newer.
    """
    if len(parts) == 1:
        return parts[0].frame, parts[0].tally
    by, key = list(_OBJECT.get(table, schemas.get(table).key)), list(schemas.get(table).key)
    kept: list[Part] = []
    for part in parts:
        fresh = part
        for at, other in enumerate(kept):
            kept[at], fresh = _settle(table, other, fresh, (by, key))
        kept.append(fresh)
    return pd.concat([one.frame for one in kept], ignore_index=True), _sum([one.tally for one in kept])


def _settle(table: str, old: Part, new: Part, keys: tuple[list[str], list[str]]) -> tuple[Part, Part]:
    """Return both files with each shared object in one of them: in the first, or in the newer one if they differ."""
    by, key = keys
    if not _shared(old.frame, new.frame, by).any():
        return old, new
    torn = _torn(old.frame, new.frame, by, key)
    if len(torn) and _newer(new.edition, old.edition):
        old = _without(old, _ids(old.frame, by).isin(torn.index), _older(new.name, torn))
    elif len(torn):
        if not _newer(old.edition, new.edition):
            raise FormatError(
                f"one truth about each object of {table}",
                found=f"{torn.index[0]}: another {torn.iloc[0]} in each file ({len(torn)} such objects)",
                where=f"{old.name} (edition {old.edition}) and {new.name} (edition {new.edition})",
                remedy="write the date of each file in edition, as 2026-01-31: then the newer one counts; or leave one file out",
            )
        new = _without(new, _ids(new.frame, by).isin(torn.index), _older(old.name, torn))
    return old, _without(new, _shared(old.frame, new.frame, by), SAME_OBJECT)


def _ids(frame: pd.DataFrame, by: Sequence[str]) -> pd.Series[Any]:
    """Return one text per row that says which object it is of."""
    return frame[list(by)].astype(str).agg("\0".join, axis=1) if len(by) > 1 else frame[by[0]].astype(str)


def _shared(old: pd.DataFrame, new: pd.DataFrame, by: Sequence[str]) -> Any:
    if old.empty or new.empty:
        return np.zeros(len(new), dtype=bool)
    return _ids(new, by).isin(set(_ids(old, by))).to_numpy()


def _torn(old: pd.DataFrame, new: pd.DataFrame, by: Sequence[str], key: Sequence[str]) -> pd.Series[Any]:
    """Return the objects that two files tell differently, each with the first column that differs."""
    first = old.assign(_object=_ids(old, by), _row=_ids(old, key)).set_index("_row")
    second = new.assign(_object=_ids(new, by), _row=_ids(new, key)).set_index("_row")
    both = set(first["_object"]) & set(second["_object"])
    first, second = first[first["_object"].isin(both)], second[second["_object"].isin(both)]
    lonely = pd.concat(
        [one.loc[one.index.difference(other.index)] for one, other in ((first, second), (second, first))]
    )
    told = {str(one): "number of parts" for one in lonely["_object"]}
    same = first.index.intersection(second.index)
    first, second = first.loc[same], second.loc[same]
    for name in [one for one in old.columns if one not in key]:
        differs = _differs(first[name], second[name])
        for one in first["_object"][differs]:
            told.setdefault(str(one), name)
    return pd.Series(told, dtype="object")


def _differs(one: pd.Series[Any], other: pd.Series[Any]) -> Any:
    if isinstance(one, gpd.GeoSeries):
        pair = shapely.normalize(one.to_numpy()), shapely.normalize(other.to_numpy())
        return ~shapely.equals_exact(*pair, tolerance=_EQUAL_M)
    if pd.api.types.is_numeric_dtype(one) and pd.api.types.is_numeric_dtype(other):
        first, second = one.astype("float64").to_numpy(), other.astype("float64").to_numpy()
        return ~np.isclose(first, second, rtol=1e-6, atol=_EQUAL_M, equal_nan=True)
    return (one.fillna("").astype(str) != other.fillna("").astype(str)).to_numpy()


def _when(edition: str) -> tuple[int, ...] | None:
    """Return year, month and day of an edition, as far as it says them."""
    hit = _DATE.fullmatch(edition.strip())
    if hit is None:
        return None
    year = int(hit[1]) + (2000 if len(hit[1]) == len("21") else 0)
    return (year, *(int(one) for one in hit.groups()[1:] if one))


def _newer(edition: str, than: str) -> bool:
    """Say whether an edition is newer for sure: 2022-05 is no newer than 2022, which may be of December."""
    pairs = zip(_when(edition) or (), _when(than) or (), strict=False)
    return next((new > old for new, old in pairs if new != old), False)


def _older(newer: str, torn: pd.Series[Any]) -> str:
    return f"older than {newer}, which says otherwise: {some(torn.index)}"


def _without(part: Part, gone: Any, reason: str) -> Part:
    """Return the part without some rows, counted by one reason."""
    mask = np.asarray(gone, dtype=bool)
    left = {**part.tally.left_out, reason: part.tally.left_out.get(reason, 0) + int(mask.sum())}
    frame = part.frame[~mask]
    return Part(part.name, part.edition, frame, Tally(part.tally.rows_in, len(frame), left, part.tally.noted))


def _sum(tallies: Sequence[Tally]) -> Tally:
    left: dict[str, int] = {}
    noted: dict[str, int] = {}
    for tally in tallies:
        for total, counts in ((left, tally.left_out), (noted, tally.noted)):
            for reason, count in counts.items():
                total[reason] = total.get(reason, 0) + count
    return Tally(sum(one.rows_in for one in tallies), sum(one.kept for one in tallies), left, noted)


def has_example(folders: Folders, name: str = EXAMPLE, edition: str = EXAMPLE_EDITION) -> bool:
    """Return whether the embedded example is there already, whole and as this version of the program writes it.

    Parameters
    ----------
    folders : Folders
        Of the project.
    name : str
        Of the example: its study and its publisher.
    edition : str
        Which of its years.
    """
    target = folders.raw / name / edition
    mark = target / ".whole"
    return not target.is_symlink() and mark.is_file() and mark.read_text(encoding="utf-8") == _mark(edition)


def _mark(edition: str) -> str:
    """Return what a whole example says of itself: written by another version of the program it is written anew."""
    return f"{edition} {version_of(*_WRITERS)}\n"


def example_folder(folders: Folders, name: str = EXAMPLE, edition: str = EXAMPLE_EDITION, *, scale: int = 1) -> Path:
    """Return the folder of the embedded example, generated when it is not there yet or not whole.

    Parameters
    ----------
    folders : Folders
        Of the project.
    name : str
        Of the example: its study and its publisher.
    edition : str
        Which of its years.
    scale : int
        How many places side by side, where it is generated [1].
    """
    from kansenkaart.sources.example import world, write_example

    target = folders.raw / name / edition
    if has_example(folders, name, edition):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with alone(target.parent / ".lock", wait=True):  # of all studies: each may write the example that it reads
        if has_example(folders, name, edition):
            return target
        for left in target.parent.glob(".*.part"):  # by a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix=".", suffix=".part", dir=target.parent))
        try:
            write_example(draft / "new", name=name, edition=edition, scale=scale)
            world.cache_clear()  # what was designed is on disk now
            (draft / "new" / ".whole").write_text(_mark(edition), encoding="utf-8")
            if target.is_symlink():
                target.unlink()
            shutil.rmtree(target, ignore_errors=True)
            (draft / "new").replace(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return target


#: What is read beside a file and belongs to the delivery, by the ending of the file: of the same stem, or of any (HydX).
_SIDES = {".shp": (".shx", ".dbf", ".prj", ".cpg"), ".gml": (".xsd", ".gfs")}
_TABLES = (".csv", ".txt")


def _files(path: Path, role: str = "") -> Iterable[Path]:
    """Return the files of a delivery, the one that the study names first: what changes in any of them is another delivery."""
    if path.is_dir():
        return sorted(one for one in path.rglob("*") if one.is_file())
    there = sorted(one for one in path.parent.iterdir() if one.is_file() and one != path)
    if role.startswith("sewer_") and path.suffix.lower() in _TABLES:
        return [path, *(one for one in there if one.suffix.lower() in _TABLES)]
    same = [one for one in there if one.stem == path.stem]
    endings = _SIDES.get(path.suffix.lower(), ())
    return [path, *(one for ending in endings for one in same if one.suffix.lower() == ending)]


Box = tuple[float, float, float, float]


def raster_step(role: str, deliveries: Sequence[Delivery], window: Box | None) -> Step:
    """Return the step that joins the sheets of one role into one GeoTIFF, within the window [m] where there is one.

    Parameters
    ----------
    role : str
        ``dsm`` or ``dtm``.
    deliveries : sequence of Delivery
        Its sheets.
    window : Box, optional
        West, south, east and north in RD New [m]; None for the whole of the sheets.
    """
    provenance: tuple[Provenance, ...] = tuple(one for delivery in deliveries for one in delivery.provenance)

    def join_sheets(store: Store) -> Sequence[Product]:
        target = store.path(role).with_name(f".{role}.{secrets.token_hex(8)}.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        paths = [path for delivery in deliveries for path in delivery.paths]
        with contextlib.ExitStack() as undo:
            undo.callback(target.unlink, missing_ok=True)
            tally = ahn.join_sheets(paths, window or _extent(paths), path=target)
            undo.pop_all()
        return [Product(role, target, tally)]

    names = [one.address for one in provenance]
    order = [sorted(names).index(one) for one in names]  # where sheets overlap the first one counts
    return Step(role, (role,), join_sheets, (), provenance, {"bbox_m": list(window or ()), "order": order})


def _extent(paths: Sequence[Path]) -> Box:
    boxes = []
    for path in paths:
        with reading(path, "an AHN GeoTIFF"), open_raster(path) as sheet:
            boxes.append(tuple(sheet.bounds))
    west, south, east, north = zip(*boxes, strict=True)
    return float(min(west)), float(min(south)), float(max(east)), float(max(north))
