"""Chooses and opens a layer of a vector file as people have it: named or found, packed, in capitals, in parts, empty."""

from __future__ import annotations

import contextlib
import re
import tempfile
import zipfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from kansenkaart.errors import FormatError
from kansenkaart.sources.tools.archives import Bounds, gunzip
from kansenkaart.sources.tools.geofiles import endings, field_names, layer_names, read_vector
from kansenkaart.sources.tools.rawnames import NOTES, reading, squeezed

_SHOWN = 12
#: What publishers write behind the name of a layer: its year, with or without a version.
_EDITION = re.compile(r"(?<=[a-z])(?:19|20)\d{2}(?:v\d+)?$")
_SIDES = (".shx", ".dbf", ".prj", ".cpg", ".xsd", ".gfs")
_PACKED = (".zip", ".gz")
_CHUNK_BYTES, _HEAD_BYTES = 1 << 20, 4 << 10
#: A municipality's BAG extract unpacks to some 2 GB; a whole country is cut to size elsewhere.
_BOUNDS = Bounds(max_bytes=8 << 30)


def layers_of(path: Path, expected: str) -> list[str]:
    """Return the names of all layers of a file, packed or not.

    Parameters
    ----------
    path : Path
        The file.
    expected : str
        What it should be, for the message.

    Raises
    ------
    FormatError
        If the file is missing, unreadable or of another kind.
    """
    with _plain(path, expected) as parts:
        return [name for name, _ in _layers(parts, expected)]


def open_layer(
    path: Path, expected: str, *, layer: str | None = None, likely: Sequence[str] = (), geometry: bool = True
) -> Any:
    """Read one layer of a vector file, out of the zip or gzip in which it may be packed.

    Parameters
    ----------
    path : Path
        File with layers; several XML files of the BAG extract in one zip are read as one.
    expected : str
        What the file should be, for the message.
    layer : str or None
        As the study names it; case, hyphens and underscores do not matter.
    likely : sequence of str
        Names that the register uses for what is asked, the most likely first.
    geometry : bool
        Whether shapes are read too.

    Returns
    -------
    GeoDataFrame, or DataFrame without geometry
        Columns as published; ``attrs`` has the layer's name, and what was seen of the file as a whole.

    Raises
    ------
    FormatError
        If the file is missing, unreadable or of another kind, has no such layer, or several of which none is likely.
    """
    with _plain(path, expected) as parts:
        name = _choose(path, _layers(parts, expected), layer, likely)
        holders = [part for part in parts if _holds(part, name, expected)]
        if len(holders) > 1 and {one.suffix.lower() for one in holders} != {".xml"}:
            raise FormatError(
                f"one file with layer {name} in the zip",
                found=", ".join(one.name for one in holders[:_SHOWN]),
                where=path.name,
                remedy="unpack it and name the file that is meant in path",
            )
        frames = []
        for part in holders:
            with reading(part, expected):
                frames.append(read_vector(part, layer=name, geometry=geometry, dates=False))
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    if geometry and not isinstance(frame, gpd.GeoDataFrame):
        if len(frame):
            raise FormatError(
                "a layer with geometry",
                found="a table without geometry",
                where=f"{path.name}, {name}",
                remedy="export the layer with its geometry, in RD New",
            )
        frame = gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries([], crs=None))
    frame.attrs = {LAYER: name, NOTES: {} if len(frame) else {f"layer without rows: {path.name}, {name}": 1}}
    return frame


#: Key in the attributes of a frame under which the name of its layer stands.
LAYER = "layer"


def fields_of(path: Path, expected: str, *, layer: str | None = None, likely: Sequence[str] = ()) -> list[str]:
    """Return the names of the columns of one layer, without reading its rows.

    Parameters
    ----------
    path, expected, layer, likely
        As `open_layer`.

    Raises
    ------
    FormatError
        As `open_layer`.
    """
    with _plain(path, expected) as parts:
        name = _choose(path, _layers(parts, expected), layer, likely)
        part = next(part for one, part in _layers(parts, expected) if one == name)
        with reading(path, expected):
            return field_names(part, layer=name)


def _holds(part: Path, name: str, expected: str) -> bool:
    with reading(part, expected):
        return name in layer_names(part)


def _layers(parts: Sequence[Path], expected: str) -> list[tuple[str, Path]]:
    found: dict[str, Path] = {}
    for part in parts:
        with reading(part, expected):
            for name in layer_names(part):
                found.setdefault(name, part)
    return list(found.items())


def _choose(path: Path, there: Sequence[tuple[str, Path]], layer: str | None, likely: Sequence[str]) -> str:
    names = [name for name, _ in there]
    wanted = [squeezed(one) for one in ([layer] if layer else likely)]
    by_name = {squeezed(name): name for name in reversed(names)}
    plain = {_EDITION.sub("", squeezed(name)): name for name in reversed(names)}  # buurt_2022_v1 is buurt
    files = {squeezed(part.stem).removeprefix("bgt"): name for name, part in there}  # in a zip of a file per class
    hit = next((known[one] for known in (by_name, plain, files) for one in wanted if one in known), None)
    if hit is None and layer is None and len(names) == 1:
        hit = names[0]
    if hit is None:
        raise FormatError(
            f"layer {layer}" if layer else "one layer, or one of a name of the register",
            found=f"layers: {', '.join(names[:_SHOWN]) or 'none'}",
            where=path.name,
            remedy=f'write layer = "{names[0]}" (or another of these) in the study'
            if names
            else "the file holds no layer: export it again",
        )
    return hit


@contextlib.contextmanager
def _plain(path: Path, expected: str) -> Iterator[list[Path]]:
    """Give the file itself, or what was packed in it, unpacked into a folder for as long as it is read."""
    if path.suffix.lower() not in _PACKED:
        yield [path]
        return
    with tempfile.TemporaryDirectory(prefix="kansenkaart-") as folder, reading(path, expected):
        if path.suffix.lower() == ".gz":
            yield [gunzip(path, Path(folder) / path.stem, bounds=_BOUNDS)]
        else:
            yield _unzipped(path, Path(folder))


def _unzipped(path: Path, folder: Path) -> list[Path]:
    """Unpack the vector files of a zip, by their bare names and up to a bound, and return them.

    A zip in the zip is unpacked too, as the BAG extract of Kadaster holds one per kind of object; papers are passed by.
    """
    room = [min(_BOUNDS.max_bytes, int(path.stat().st_size * _BOUNDS.max_ratio))]
    packed = _unpack(path, folder, (*endings(), *_SIDES, ".zip"), room)
    inner = [one for one in packed if one.suffix.lower() == ".zip"]
    for one in inner:
        packed += _unpack(one, folder, endings(), room)
    parts = sorted(one for one in packed if one.suffix.lower() in endings() and not _is_paper(one))
    if not parts:
        raise FormatError(
            "a vector file in the zip, or the XML files of the BAG extract",
            found=", ".join(one.name for one in packed[:_SHOWN]) or "none",
            where=path.name,
            remedy="unpack it and name the file that is meant in path",
        )
    return parts


def _unpack(path: Path, folder: Path, wanted: Collection[str], room: list[int]) -> list[Path]:
    made: dict[str, Path] = {}
    with zipfile.ZipFile(path) as opened:
        for one in opened.infolist():
            name = one.filename.replace("\\", "/").rsplit("/", 1)[-1]
            if Path(name).suffix.lower() not in wanted or name.startswith(".") or name in made:
                continue
            made[name] = folder / name
            with opened.open(one) as source, made[name].open("xb") as sink:
                while chunk := source.read(_CHUNK_BYTES):
                    room[0] -= len(chunk)
                    if room[0] < 0:
                        raise ValueError(f"a zip that unpacks to more than {_BOUNDS.max_ratio:g} times its size")
                    sink.write(chunk)
    return list(made.values())


def _is_paper(part: Path) -> bool:
    """Say whether an XML file is no objects of the BAG but the paper that comes with them, such as Leveringsdocument."""
    if part.suffix.lower() != ".xml":
        return False
    with part.open("rb") as handle:
        return b"bagStand" not in handle.read(_HEAD_BYTES)
