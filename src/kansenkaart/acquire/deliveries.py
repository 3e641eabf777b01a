"""Where each delivery of a study is: a file as published, the embedded example, or fetched from its publisher."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kansenkaart.acquire.live import Errand
from kansenkaart.config import DATA_VARIABLE, Folders, Source
from kansenkaart.errors import ConfigError
from kansenkaart.sources import ahn, publishers
from kansenkaart.sources.tools.geofiles import open_raster
from kansenkaart.sources.tools.rawnames import reading
from kansenkaart.tables.provenance import Provenance, sha256_of
from kansenkaart.tables.step import Product, Step
from kansenkaart.tables.store import Store

EXAMPLE_EDITION = "1"


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
    base = folders.published if source.origin == "file" else example_folder(folders)
    path = (base / str(source.path)).resolve()
    if not path.is_relative_to(base.resolve()):
        raise ConfigError(
            "a path inside the data folder",
            found=str(source.path),
            where=f"study {study.name}",
            remedy="name a file below the data folder",
        )
    if not path.exists():
        raise ConfigError(
            f"the published file for {source.role}",
            found="no such file",
            where=str(source.path),
            remedy=f"put it in the data folder, or set {DATA_VARIABLE} to the folder that holds it",
        )
    record = publishers.delivery(
        source.publisher,
        role=source.role,
        edition=source.edition,
        address=str(source.path),
        sha256=sha256_of(*_files(path)),
        year=source.year,
    )
    return Delivery((path,), (record,))


def example_folder(folders: Folders) -> Path:
    """Return the folder of the embedded example, generated when it is not there yet or not whole.

    Parameters
    ----------
    folders : Folders
        Of the project.
    """
    from kansenkaart.sources.example import write_example

    target = folders.raw / "voorbeeld" / EXAMPLE_EDITION
    if not target.is_symlink() and (target / ".whole").is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".", suffix=".part", dir=target.parent))
    try:
        write_example(draft / "new")
        (draft / "new" / ".whole").write_text(EXAMPLE_EDITION + "\n", encoding="utf-8")
        if target.is_symlink():
            target.unlink()
        shutil.rmtree(target, ignore_errors=True)
        (draft / "new").replace(target)
    except OSError:
        if not (target / ".whole").is_file():  # else another run made it in between, which is the same
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


_SIDES = (".shx", ".dbf", ".prj", ".cpg")


def _files(path: Path) -> Iterable[Path]:
    if path.is_dir():
        return sorted(one for one in path.rglob("*") if one.is_file())
    return [path, *(side for ending in _SIDES if path.suffix == ".shp" and (side := path.with_suffix(ending)).exists())]


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

    def join(store: Store) -> Sequence[Product]:
        target = store.path(role).with_name(f".{role}.{secrets.token_hex(8)}.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        paths = [path for delivery in deliveries for path in delivery.paths]
        heights, transform, tally = ahn.open_window(paths, window or _extent(paths))
        ahn.write_clip(heights, transform, path=target)
        return [Product(role, target, tally)]

    return Step(role, (role,), join, (), provenance, {"bbox_m": list(window or ())})


def _extent(paths: Sequence[Path]) -> Box:
    boxes = []
    for path in paths:
        with reading(path, "an AHN GeoTIFF"), open_raster(path) as sheet:
            boxes.append(tuple(sheet.bounds))
    west, south, east, north = zip(*boxes, strict=True)
    return float(min(west)), float(min(south)), float(max(east)), float(max(north))
