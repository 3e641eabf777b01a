"""Reads roof faces from 3DBAG and other makers of CityJSON (1.0 to 2.0) and CityJSONSeq, packed or not.

The names of 2021 and today's ``b3_*`` are read; the BAG identification is the object's name, or else an attribute of it; the
level of detail is the finest that the file has; trees, roads and other objects are passed by.

Tilt, azimuth and area come from the geometry (Newell's normal over all rings of a face, holes subtracted), because the
2021 edition publishes none; what 3DBAG publishes itself is kept beside it.

References
----------
.. [1] Ledoux et al. 2019, CityJSON: a compact and easy-to-use encoding, doi:10.1186/s40965-019-0064-0.
.. [2] Newell, Newell & Sancha 1972, A solution to the hidden surface problem, doi:10.1145/800193.569954.
.. [3] Peters et al. 2022, Automated 3D reconstruction of LoD2 buildings (3DBAG), doi:10.14358/PERS.21-00032R2.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from kansenkaart.crs import RD
from kansenkaart.errors import CrsError, FormatError
from kansenkaart.sources.tools.archives import json_documents, unpacked
from kansenkaart.sources.tools.cleaning import NAMED_RD, Sieve, bag_id, in_rd, polygons_of, ring_normals
from kansenkaart.sources.tools.rawnames import raw_names, reading, some, squeezed
from kansenkaart.tables import fields, schemas
from kansenkaart.tables.provenance import Tally

Floats = NDArray[np.float64]

_RD_CODES = ("7415", "28992")
_FULL_TURN_DEG = 360.0
_CORNERS = 3
#: Set on a document that names no reference system.
_UNNAMED = "_unnamed"
#: A face is flat when its heights differ by no more than this many steps of the file's own rounding [1].
FLAT_STEPS = 2.0
#: The rounding of a file that does not say it, or says more than a roof can be drawn with [m]: the millimetre of 3DBAG.
ROUNDING_M = 0.001
_COARSEST_M = 0.01
#: Levels of detail with roof faces, the finest first [3]_.
LODS = ("2.2", "2.3", "2", "2.0", "2.1", "3", "3.0", "3.1", "3.2", "3.3")
#: Attributes in which others keep the BAG identification, without case, hyphens and underscores.
_OF_THE_BAG = ("identificatie", "identificatiebagpnd", "bagid", "bagpandid")
ID_ATTRIBUTES = (*_OF_THE_BAG, "pandid", "pandidentificatie", "gmlid", "id")
#: What people take for CityJSON, by its first bytes.
_WAVEFRONT = "a Wavefront OBJ"
_OTHERS = {b"<": "XML, such as CityGML", b"SQLite format 3": "a GeoPackage", b"v ": _WAVEFRONT, b"# ": _WAVEFRONT}
#: What 3DBAG writes behind the identification of a pand for each part of it.
_PART = re.compile(r"-\d+$")
_ENDINGS = (".json", ".jsonl")
#: What is kept of a file: so many roof faces take some 7 GB; 190,000 panden with ten each are 1.9 million [1].
MOST_FACES = 3_000_000
#: The longest names of a building and its part together, since each face is named after them [character].
_LONGEST_NAMES = 400
#: So many objects without a BAG identification are kept to be named [1].
_ENOUGH = 99
_ROOFS = ("roofsurface", "+roofsurface")
_BUILDINGS = ("Building", "BuildingPart", "BuildingUnit", "BuildingStorey")


@dataclass
class _Faces:
    """Roof faces of a level of detail, gathered over a file: corners of rings [m], the face of each ring; step of heights [m]."""

    lod: str
    points: list[Floats] = field(default_factory=list)
    face_of_ring: list[int] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    strangers: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    torn: list[str] = field(default_factory=list)
    lods: set[str] = field(default_factory=set)
    step_m: float = 0.0


def read_roof_face(path: Path, *, lod: str | None = None) -> tuple[gpd.GeoDataFrame, Tally]:
    """Return the roof faces of one tile or response, as table ``roof_face``.

    Parameters
    ----------
    path : Path
        ``.city.json`` (one document) or ``.city.jsonl`` (one feature a line, the first line holds the transform), as it
        is or packed as ``.gz`` or ``.zip``.
    lod : str or None
        Level of detail; None takes 2.2, or else the finest with roof faces that the file has.

    Returns
    -------
    faces : GeoDataFrame
        Table ``roof_face``: geometry is the horizontal projection; ``tilt_deg`` 0 is flat [deg]; ``azimuth_deg``
        clockwise from north [deg], unknown for a flat face; ``roof_area_m2`` is the true area [m2]; heights [m NAP].
    tally : Tally
        Roof faces in, kept, and left out by reason; panden without this level of detail are noted [1].

    Raises
    ------
    FormatError
        If the file is not CityJSON, its boundaries and semantics do not match, it has buildings of which none has a
        level of detail with roof faces, or none of them has a BAG identification.
    CrsError
        If the reference system is not RD New with NAP.
    """
    with reading(path, "CityJSON or CityJSONSeq"):
        faces = _gathered(path, lod or LODS[0])
        if lod is None and (finest := _finest(faces, path)) != faces.lod:
            faces = _gathered(path, finest)
            faces.seen[f"LoD {LODS[0]} not in the file, read as LoD {finest}"] = 1
        _require_use(faces, path)
        return _to_table(faces, path)


def require_tile(path: Path) -> None:
    """Refuse a file that is no CityJSON in RD New, by its first document; raises as `read_roof_face`.

    Parameters
    ----------
    path : Path
        As `read_roof_face`.
    """
    with reading(path, "CityJSON or CityJSONSeq"):
        next(_models(path), None)


def _gathered(path: Path, lod: str) -> _Faces:
    """Walk through the file once, one document in memory at a time, and keep the roof faces of one level of detail."""
    faces = _Faces(lod)
    for model, scale, shift in _models(path):
        faces.step_m = max(faces.step_m, _rounding_m(model, scale, faces))
        _gather(model, scale, shift, faces)
        if len(faces.rows) + len(faces.torn) > MOST_FACES:
            raise FormatError(
                f"at most {MOST_FACES} roof faces in a file",
                found="more",
                where=path.name,
                remedy="give a smaller area, or the publisher's tiles",
            )
    faces.seen["no building in the file"] = not faces.step_m
    return faces


def _models(path: Path) -> Iterator[tuple[dict[str, Any], Floats, Floats]]:
    documents = _documents(path)
    head = next(documents, {})
    if head.get("type") != "CityJSON":
        raise FormatError(
            "a CityJSON document, or a sequence with that as its first line",
            found=str(head.get("type") if head else "an empty file")[:80],
            where=path.name,
            remedy="fetch the tile again, whole: in a sequence the first line holds the transform",
        )
    transform = head.get("transform") or {"scale": [1.0, 1.0, 1.0], "translate": [0.0, 0.0, 0.0]}
    lost = [one for one in ("scale", "translate") if one not in transform]
    if lost:
        raise FormatError(
            "a transform with scale and translate",
            found=f"a transform without {lost[0]}",
            where=f"{path.name}, transform",
            remedy="fetch the tile again, whole: without it nobody can say where the corners lie",
        )
    scale, shift = np.asarray(transform["scale"], float), np.asarray(transform["translate"], float)
    system = str((head.get("metadata") or {}).get("referenceSystem") or "")
    if system:
        _require_rd_nap(system, path)
    for one in chain([head], documents):
        if one.get("CityObjects"):
            if not system and not _in_rd(one, scale, shift):
                _require_rd_nap(system, path)
            yield ({**one, _UNNAMED: 1} if not system else one), scale, shift


def _documents(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the document and the features of a tile, a sequence or a page of 3DBAG's API."""
    with unpacked(path, _ENDINGS) as source:
        begin = source.read(1 << 10).lstrip()
    if other := next((what for starts, what in _OTHERS.items() if begin.startswith(starts)), None):
        raise FormatError(
            "a CityJSON document",
            found=other,
            where=path.name,
            remedy="take the tile of 3DBAG as CityJSON; citygml-tools turns CityGML into it",
        )
    for one in json_documents(path, _ENDINGS):
        page = one.get("metadata")
        is_page = isinstance(page, dict) and page.get("type") == "CityJSON"
        yield from filter(None, (page, *(one.get("features") or []), one.get("feature"))) if is_page else (one,)


def _finest(faces: _Faces, path: Path) -> str:
    """Return the finest level of detail with roof faces of all buildings in the file."""
    chosen = next((one for one in LODS if one in faces.lods), None)
    if chosen is None and faces.lods:
        raise FormatError(
            f"a level of detail with roof faces: LoD {', '.join(LODS[:3])}",
            found=f"LoD {', '.join(sorted(faces.lods))}",
            where=path.name,
            remedy="take the tile with LoD 2.2 of 3DBAG, or an LoD2 model; LoD 1 has no roofs",
        )
    return chosen or LODS[0]


@lru_cache(maxsize=64)
def _lod(spelled: str) -> str:
    """Return a level of detail as CityJSON writes it, from ``2.20``, ``LoD2.2`` or a number."""
    return re.sub(r"(\.\d*[1-9])0+$", r"\1", re.sub(r"(?i)^lod\s*", "", spelled.strip()))


def _rounding_m(model: dict[str, Any], scale: Floats, faces: _Faces) -> float:
    """Return the step to which heights are rounded [m]: the scale of integer vertices, else what 3DBAG rounds to.

    A document without ``transform``, or with decimals in its vertices, holds plain metres: a scale of 1 says nothing
    of its rounding.
    """
    corners = np.asarray(model["vertices"], float)
    whole = bool(corners.size) and bool((corners == np.round(corners)).all())
    if whole and float(scale[2]) <= _COARSEST_M:
        return float(scale[2])
    if whole and corners.size:
        faces.seen[f"coordinates rounded to {float(scale[2]):g} m: tilts are rough"] = 1
    return ROUNDING_M


def _require_use(faces: _Faces, path: Path) -> None:
    """Refuse a file of which no building has a BAG identification, or no geometry holds together; note the few that do not."""
    if faces.torn and not faces.rows:
        raise FormatError(
            "faces, corners and semantics that match",
            found=f"none in {len(faces.torn)} geometries",
            where=f"{path.name}, {faces.torn[0]}",
            remedy="fetch the tile again, whole, or let its maker check it (cjval)",
        )
    if faces.torn:
        faces.seen[f"left out, faces, corners and semantics do not match: {some(faces.torn)}"] = len(faces.torn)
    if faces.rows and not any(pand_id for _, pand_id, *_ in faces.rows):
        raise FormatError(
            "BAG identifications (16 digits) as names of the buildings or in an attribute identificatie",
            found=f"{some(sorted(faces.strangers))}; attributes {some(sorted(faces.attributes), most=12)}",
            where=path.name,
            remedy="let the maker of the model keep the BAG id (roofer: --id-attribute identificatie)",
        )


def _in_rd(model: dict[str, Any], scale: Floats, shift: Floats) -> bool:
    """Say whether all corners of a document that names no system can only be RD New."""
    corners = np.asarray(model["vertices"], float).reshape(-1, _CORNERS) * scale + shift
    return bool(in_rd(np.asarray(shapely.points(corners[:, :2]))).all())


def _require_rd_nap(system: str, path: Path) -> None:
    if not re.search(rf"(?<!\d)(?:{'|'.join(_RD_CODES)})(?!\d)", system):
        raise CrsError(
            "EPSG:7415 (RD New and NAP)",
            found=system or "none stated",
            where=f"{path.name}, metadata.referenceSystem",
            remedy="use the tile as 3DBAG publishes it, or write EPSG:7415 in metadata.referenceSystem if it is in RD and NAP",
        )


def _gather(model: dict[str, Any], scale: Floats, shift: Floats, faces: _Faces) -> None:
    every = model["CityObjects"]
    objects = {name: one for name, one in every.items() if str(one.get("type", "Building")) in _BUILDINGS}
    if _UNNAMED in model:
        faces.seen[NAMED_RD] += 1
    faces.seen["object that is no building, passed by"] += len(every) - len(objects)
    vertices = np.asarray(model["vertices"], float).reshape(-1, _CORNERS) * scale + shift
    found, roots = Counter[str](), [name for name, one in objects.items() if not one.get("parents")]
    for name, one in objects.items():
        root = name if not one.get("parents") else one["parents"][0]
        owner = _Owner(name, root, objects.get(root, one), one)
        for geometry in one.get("geometry") or []:
            faces.lods.add(lod := _lod(str(geometry.get("lod") or "none")[:_LONGEST_NAMES]))
            if lod == faces.lod:
                found[root] += 1
                _try_geometry(geometry, vertices, owner, faces)
    faces.seen["pand"] += len(roots)
    faces.seen[f"pand without LoD {faces.lod}"] += sum(not found[name] for name in roots)


@dataclass(frozen=True)
class _Owner:
    """A city object with its root; the BAG identification is the root's name, or an attribute of root or object."""

    name: str
    root: str
    building: dict[str, Any]
    part: dict[str, Any]

    def pand_id(self) -> str | None:
        """Return the 16 digits, or None."""
        names = (bag_id(_PART.sub("", one)) for one in (self.root, self.name))
        return next(filter(None, chain(names, map(_id_attribute, (self.building, self.part)))), None)

    def short(self, pand_id: str | None) -> str:
        """Return the name of the part, beginning with the pand."""
        inside = self.name.startswith(self.root)
        return f"{pand_id or self.root}{self.name[len(self.root) :] if inside else '-' + self.name}"


def _id_attribute(one: dict[str, Any]) -> str | None:
    attributes = {squeezed(name): value for name, value in (one.get("attributes") or {}).items()}
    return next(filter(None, (bag_id(attributes.get(name)) for name in ID_ATTRIBUTES)), None)


def _try_geometry(geometry: dict[str, Any], vertices: Floats, owner: _Owner, faces: _Faces) -> None:
    """Gather the faces of one geometry; one whose numbers point nowhere costs itself, not the tile."""
    own = _Faces(faces.lod, strangers=faces.strangers, attributes=faces.attributes)
    try:
        _gather_geometry(geometry, vertices, owner, own)
    except (LookupError, TypeError, ValueError, AttributeError):
        faces.torn.append(owner.name)
        return
    faces.face_of_ring += [one + len(faces.rows) for one in own.face_of_ring]
    faces.points += own.points
    faces.rows += own.rows
    faces.seen.update(own.seen)


def _gather_geometry(geometry: dict[str, Any], vertices: Floats, owner: _Owner, faces: _Faces) -> None:
    semantics = geometry.get("semantics") or {}
    leaves = list(_leaves(geometry["boundaries"], semantics.get("values")))
    if not leaves:
        faces.seen["geometry without semantics"] += 1
        return
    names = raw_names("roof_face", "cityjson")
    attributes = owner.building.get("attributes") or {}
    surfaces, ground, pand_id = semantics["surfaces"], _first(attributes, names["ground_level_m_nap"]), owner.pand_id()
    if len(owner.root) + len(owner.name) > _LONGEST_NAMES:
        raise ValueError("names by which faces would be called")
    if pand_id is None and len(faces.strangers) < _ENOUGH:
        faces.strangers.add(owner.root)
        faces.attributes.update(map(str, attributes))
    number = 0
    roofs = {at for at, one in enumerate(surfaces) if str(one.get("type")).casefold() in _ROOFS}
    faces.seen["geometry without a roof face (RoofSurface)"] += not roofs
    for rings, value in leaves:
        surface = surfaces[value]
        if value not in roofs:
            continue
        for ring in rings:
            faces.points.append(vertices[ring])
            faces.face_of_ring.append(len(faces.rows))
        told = [_first(surface, names[name]) for name in ("published_tilt_deg", "published_azimuth_deg")]
        faces.rows.append((f"{owner.short(pand_id)}-{number}", pand_id, ground, *told))
        number += 1


def _first(attributes: dict[str, Any], names: str) -> float | None:
    values = (attributes.get(one) for one in _spellings(names, tuple(attributes)))
    return next((number for one in values if (number := _number(one)) is not None), None)


@lru_cache(maxsize=16)
def _spellings(names: str, there: tuple[Any, ...]) -> list[Any]:
    """Return which of the names of attributes are meant: buildings of a file have the same few sets of them."""
    spelled = {squeezed(one): one for one in there}
    return [spelled[one] for one in map(squeezed, names.removesuffix("?").split("|")) if one in spelled]


def _number(value: Any) -> float | None:
    """Return a published figure, or None for what is no number: nothing that we compute depends on it."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if np.isfinite(number) else None


def _leaves(boundaries: Any, values: Any) -> Iterator[tuple[list[list[int]], int]]:
    """Walk boundaries and semantic values together down to the faces, whatever the kind of geometry."""
    if values is None:
        return
    if not isinstance(values, list):
        yield boundaries, values
        return
    if len(boundaries) != len(values):
        raise ValueError(f"{len(boundaries)} boundaries and {len(values)} semantic values")
    for one, value in zip(boundaries, values, strict=True):
        yield from _leaves(one, value)


def _planes(
    points: Floats, sizes: NDArray[np.int64], owner: NDArray[np.int64], first: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats]:
    """Return the upward area vector [m2] and the lowest and highest height [m NAP] of each face."""
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    normals = ring_normals(points, starts)
    outer = normals[first]
    inner = ~first & (np.einsum("ij,ij->i", normals, outer[owner]) > 0)
    normals[inner] *= -1
    total = np.zeros((int(first.sum()), _CORNERS))
    np.add.at(total, owner, normals)
    total[total[:, 2] < 0] *= -1
    begins = starts[first]
    return total, np.minimum.reduceat(points[:, 2], begins), np.maximum.reduceat(points[:, 2], begins)


def _projections(points: Floats, sizes: NDArray[np.int64], first: NDArray[np.bool_]) -> NDArray[Any]:
    rings = np.full(len(sizes), None, dtype=object)
    whole = sizes >= _CORNERS
    keep = np.repeat(whole, sizes)
    index = np.repeat(np.cumsum(whole) - 1, sizes)[keep]
    rings[whole] = shapely.linearrings(points[keep, :2], indices=index)
    starts = np.flatnonzero(first)
    ends = np.append(starts[1:], len(sizes))
    shapes = np.asarray(shapely.polygons(rings[starts]), dtype=object)
    for face in np.flatnonzero(ends - starts > 1):
        outer, *holes = rings[starts[face] : ends[face]]
        shapes[face] = None if outer is None else shapely.Polygon(outer, [one for one in holes if one is not None])
    return shapes


def _to_table(faces: _Faces, path: Path) -> tuple[gpd.GeoDataFrame, Tally]:
    names = ["face_id", "pand_id", "ground_level_m_nap", "published_tilt_deg", "published_azimuth_deg"]
    rows = pd.DataFrame(faces.rows, columns=names)
    mended = np.zeros(len(rows), dtype=bool)
    shapes: NDArray[Any] = np.array([], dtype=object)
    if faces.rows:
        points, owner = np.concatenate(faces.points), np.asarray(faces.face_of_ring)
        sizes = np.array([len(one) for one in faces.points])
        first = np.concatenate([[True], owner[1:] != owner[:-1]])
        total, low, high = _planes(points, sizes, owner, first)
        shapes, mended = polygons_of(_projections(points, sizes, first))
        mended &= ~shapely.is_missing(shapes)
        rows = rows.assign(**_angles(total, low, high, FLAT_STEPS * faces.step_m), mended=mended)
        rows.loc[mended, "roof_area_m2"] = shapely.area(shapes[mended]) / np.cos(np.radians(rows.tilt_deg[mended]))
    else:
        rows = rows.reindex(columns=[*schemas.get("roof_face").columns[:-1], "mended"])
    faces.rows.clear()
    faces.points.clear()
    sieve = Sieve(gpd.GeoDataFrame(rows.assign(lod=faces.lod), geometry=shapes, crs=RD))
    _leave_out(sieve, faces.step_m)
    _check_published(sieve)
    for reason, count in faces.seen.items():
        sieve.note(reason, count)
    frame = sieve.frame[list(schemas.get("roof_face").columns)]
    return schemas.conform(frame, "roof_face", where=path.name), sieve.tally()


def _check_published(sieve: Sieve) -> None:
    """Bring published angles within the compass, and make unknown what is no angle or height: nothing depends on them."""
    azimuth = sieve.frame["published_azimuth_deg"].astype(float)
    turned = azimuth.notna() & ~azimuth.between(0.0, _FULL_TURN_DEG) & (azimuth.abs() <= _FULL_TURN_DEG)
    sieve.note("published azimuth below 0, turned into 0 to 360 degrees", turned.sum())
    sieve.frame["published_azimuth_deg"] = azimuth.where(~turned, azimuth % _FULL_TURN_DEG)
    for name in ("published_tilt_deg", "published_azimuth_deg", "ground_level_m_nap"):
        sieve.blank_outside(name)
        sieve.note(f"{name} unknown", sieve.frame[name].isna().sum())


def _angles(total: Floats, low: Floats, high: Floats, flat_m: float) -> dict[str, Floats]:
    level = np.hypot(total[:, 0], total[:, 1])
    tilt = np.degrees(np.arctan2(level, total[:, 2]))
    azimuth = np.degrees(np.arctan2(total[:, 0], total[:, 1])) % 360.0
    flat = (high - low <= flat_m) | (level == 0)
    return {
        "tilt_deg": np.where(flat, 0.0, tilt),
        "azimuth_deg": np.where(flat, np.nan, azimuth),
        "roof_area_m2": np.linalg.norm(total, axis=1),
        "eave_height_m_nap": low,
        "ridge_height_m_nap": high,
    }


def _leave_out(sieve: Sieve, step_m: float) -> None:
    sieve.drop(sieve.frame["pand_id"].isna(), "pand identification is not 16 digits")
    sieve.drop_named(~np.isfinite(sieve.frame["roof_area_m2"].to_numpy(float)), "face with a corner that is no number")
    low, high = (sieve.frame[name].astype(float) for name in ("eave_height_m_nap", "ridge_height_m_nap"))
    limits = fields.get("ridge_height_m_nap")
    sieve.drop_named(
        ~(low.ge(limits.minimum) & high.le(limits.maximum)),
        "face outside the heights of the Netherlands: another unit?",
    )
    sieve.drop_named(sieve.frame["roof_area_m2"].to_numpy(float) <= step_m**2, "face with zero area")
    sieve.drop_named(shapely.is_missing(sieve.frame.geometry.to_numpy()), "vertical face, no projection")
    crossing = sieve.frame["mended"].astype(bool)
    if crossing.any():
        sieve.note(f"self-crossing face mended ({some(sieve.frame['face_id'][crossing])})", crossing.sum())
