"""Reads roof faces from 3DBAG: CityJSON (1.0 to 2.0) and CityJSONSeq, the names of 2021 and today's ``b3_*``.

Tilt, azimuth and area come from the geometry (Newell's normal over all rings of a face, holes subtracted), because the
2021 edition publishes none; what 3DBAG publishes itself is kept beside it.

References
----------
.. [1] Ledoux et al. 2019, CityJSON: a compact and easy-to-use encoding, doi:10.1186/s40965-019-0064-0.
.. [2] Newell, Newell & Sancha 1972, A solution to the hidden surface problem, doi:10.1145/800193.569954.
.. [3] Peters et al. 2022, Automated 3D reconstruction of LoD2 buildings (3DBAG), doi:10.14358/PERS.21-00032R2.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from kansenkaart.crs import RD
from kansenkaart.errors import CrsError, FormatError
from kansenkaart.sources.tools.cleaning import Sieve, bag_id, polygons_of
from kansenkaart.sources.tools.rawnames import bounded, json_that_fits, raw_names, reading
from kansenkaart.tables import schemas

if TYPE_CHECKING:
    from pathlib import Path

    from kansenkaart.tables.provenance import Tally

Floats = NDArray[np.float64]

_RD_CODES = ("7415", "28992")
_NAMED = 5
_CORNERS = 3
#: A face is flat when its heights differ by no more than this many steps of the file's own rounding [1].
FLAT_STEPS = 2.0


@dataclass
class _Faces:
    """Rings of roof faces, gathered over a file: coordinates [m], ring starts, and the face of each ring."""

    points: list[Floats] = field(default_factory=list)
    face_of_ring: list[int] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)


def read_roof_face(path: Path, *, lod: str = "2.2") -> tuple[gpd.GeoDataFrame, Tally]:
    """Return the roof faces of one tile or response, as table ``roof_face``.

    Parameters
    ----------
    path : Path
        ``.city.json`` (one document) or ``.city.jsonl`` (one feature a line, the first line holds the transform).
    lod : str
        Level of detail.

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
        If the file is not CityJSON, or its boundaries and semantics do not match.
    CrsError
        If the reference system is not RD New with NAP.
    """
    faces = _Faces()
    step_m = 0.0
    with reading(path, "CityJSON or CityJSONSeq"):
        for model, scale, shift in _models(path):
            step_m = max(step_m, float(scale[2]))
            _gather(model, scale, shift, lod, faces)
        return _to_table(faces, step_m, path, lod)


def _models(path: Path) -> Iterator[tuple[dict[str, Any], Floats, Floats]]:
    content = json_that_fits(bounded(path).read_bytes(), where=path.name)
    lines = content.split(b"\n") if path.suffix == ".jsonl" else [content]
    documents = [json.loads(line) for line in lines if line.strip()]
    if not documents or documents[0].get("type") != "CityJSON":
        kind = documents[0].get("type") if documents else "an empty file"
        raise FormatError("a CityJSON document", found=str(kind), where=path.name, remedy="fetch the tile again")
    head = documents[0]
    _require_rd_nap(head, path)
    transform = head.get("transform", {"scale": [1.0, 1.0, 1.0], "translate": [0.0, 0.0, 0.0]})
    scale, shift = np.asarray(transform["scale"], float), np.asarray(transform["translate"], float)
    for one in documents:
        if one.get("CityObjects"):
            yield one, scale, shift


def _require_rd_nap(head: dict[str, Any], path: Path) -> None:
    system = str(head.get("metadata", {}).get("referenceSystem", "none stated"))
    if not system.endswith(_RD_CODES):
        raise CrsError(
            "EPSG:7415 (RD New and NAP)",
            found=system,
            where=f"{path.name}, metadata.referenceSystem",
            remedy="use the tile as 3DBAG publishes it",
        )


def _gather(model: dict[str, Any], scale: Floats, shift: Floats, lod: str, faces: _Faces) -> None:
    objects = model["CityObjects"]
    vertices = np.asarray(model["vertices"], float).reshape(-1, _CORNERS) * scale + shift
    found: Counter[str] = Counter()
    roots = [name for name, one in objects.items() if not one.get("parents")]
    for name, one in objects.items():
        root = name if not one.get("parents") else one["parents"][0]
        for geometry in one.get("geometry", []):
            if str(geometry.get("lod")) == lod:
                found[root] += 1
                _gather_geometry(geometry, vertices, (name, root, objects.get(root, one)), faces)
    faces.seen["pand"] += len(roots)
    faces.seen[f"pand without LoD {lod}"] += sum(not found[name] for name in roots)


def _gather_geometry(
    geometry: dict[str, Any], vertices: Floats, owner: tuple[str, str, dict[str, Any]], faces: _Faces
) -> None:
    semantics = geometry.get("semantics")
    if not semantics:
        faces.seen["geometry without semantics"] += 1
        return
    part, root, building = owner
    names = raw_names("roof_face", "cityjson")
    surfaces = semantics["surfaces"]
    ground = _first(building.get("attributes") or {}, names["ground_level_m_nap"])
    number = 0
    for rings, value in _leaves(geometry["boundaries"], semantics["values"]):
        surface = surfaces[value]
        if surface["type"] != "RoofSurface":
            continue
        for ring in rings:
            faces.points.append(vertices[ring])
            faces.face_of_ring.append(len(faces.rows))
        faces.rows.append(
            {
                "face_id": f"{_short(part, root)}-{number}",
                "pand_id": bag_id(root),
                "ground_level_m_nap": ground,
                "published_tilt_deg": _first(surface, names["published_tilt_deg"]),
                "published_azimuth_deg": _first(surface, names["published_azimuth_deg"]),
            }
        )
        number += 1


def _short(part: str, root: str) -> str:
    return f"{bag_id(root) or root}{part[len(root) :] if part.startswith(root) else '-' + part}"


def _first(attributes: dict[str, Any], names: str) -> float | None:
    values = (attributes.get(name) for name in names.removesuffix("?").split("|"))
    return next((float(one) for one in values if one is not None), None)


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


def ring_normals(points: Floats, starts: NDArray[np.int64]) -> Floats:
    """Return the area vector of each ring by Newell's method, exact for any plane polygon, convex or not.

    Parameters
    ----------
    points : array
        Corners of all rings one after the other, not closed [m].
    starts : array of int
        Index of the first corner of each ring [1].

    Returns
    -------
    array
        Vectors whose length is the area of the ring [m2] and whose direction is its normal:
        n = 1/2 sum(p_i x p_i+1) [2]_.
    """
    ends = np.append(starts[1:], len(points))
    sizes = ends - starts
    local = points - np.repeat(points[starts], sizes, axis=0)
    following = np.arange(1, len(points) + 1)
    following[ends - 1] = starts
    crossed = np.cross(local, local[following])
    return np.asarray(np.add.reduceat(crossed, starts, axis=0) / 2, dtype=np.float64)


def _planes(faces: _Faces) -> tuple[Floats, Floats, Floats]:
    """Return the upward area vector [m2] and the lowest and highest height [m NAP] of each face."""
    sizes = np.array([len(one) for one in faces.points])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    points = np.concatenate(faces.points)
    owner = np.asarray(faces.face_of_ring)
    normals = ring_normals(points, starts)
    first = np.concatenate([[True], owner[1:] != owner[:-1]])
    outer = normals[first]
    inner = ~first & (np.einsum("ij,ij->i", normals, outer[owner]) > 0)
    normals[inner] *= -1
    total = np.zeros((len(faces.rows), _CORNERS))
    np.add.at(total, owner, normals)
    total[total[:, 2] < 0] *= -1
    begins = starts[first]
    return total, np.minimum.reduceat(points[:, 2], begins), np.maximum.reduceat(points[:, 2], begins)


def _projections(faces: _Faces) -> NDArray[Any]:
    owner = np.asarray(faces.face_of_ring)
    sizes = np.array([len(one) for one in faces.points])
    rings = np.full(len(sizes), None, dtype=object)
    whole = sizes >= _CORNERS
    flat = np.concatenate([one[:, :2] for one in faces.points])
    keep = np.repeat(whole, sizes)
    index = np.repeat(np.cumsum(whole) - 1, sizes)[keep]
    rings[whole] = shapely.linearrings(flat[keep], indices=index)
    starts = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
    ends = np.append(starts[1:], len(owner))
    shapes = np.full(len(starts), None, dtype=object)
    for face, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if rings[start] is not None:
            holes = [one for one in rings[start + 1 : end] if one is not None]
            shapes[face] = shapely.Polygon(rings[start], holes)
    return shapes


def _to_table(faces: _Faces, step_m: float, path: Path, lod: str) -> tuple[gpd.GeoDataFrame, Tally]:
    names = ("face_id", "pand_id", "ground_level_m_nap", "published_tilt_deg", "published_azimuth_deg")
    rows = pd.DataFrame(faces.rows, columns=list(names))
    mended = np.zeros(len(rows), dtype=bool)
    shapes: NDArray[Any] = np.array([], dtype=object)
    if faces.rows:
        total, low, high = _planes(faces)
        shapes, mended = polygons_of(_projections(faces))
        mended &= ~shapely.is_missing(shapes)
        rows = rows.assign(**_angles(total, low, high, FLAT_STEPS * step_m), mended=mended)
        rows.loc[mended, "roof_area_m2"] = shapely.area(shapes[mended]) / np.cos(np.radians(rows.tilt_deg[mended]))
    else:
        rows = rows.reindex(columns=[*schemas.get("roof_face").columns[:-1], "mended"])
    sieve = Sieve(gpd.GeoDataFrame(rows.assign(lod=lod), geometry=shapes, crs=RD))
    _leave_out(sieve, step_m)
    for reason, count in faces.seen.items():
        sieve.note(reason, count)
    frame = sieve.frame[list(schemas.get("roof_face").columns)]
    return schemas.conform(frame, "roof_face", where=path.name), sieve.tally()


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
    _drop_named(sieve, sieve.frame["roof_area_m2"].to_numpy(float) <= step_m**2, "face with zero area")
    _drop_named(sieve, shapely.is_missing(sieve.frame.geometry.to_numpy()), "vertical face, no projection")
    crossing = sieve.frame["mended"].astype(bool)
    if crossing.any():
        sieve.note(f"self-crossing face mended ({_some(sieve.frame['face_id'][crossing])})", crossing.sum())


def _drop_named(sieve: Sieve, bad: NDArray[np.bool_], reason: str) -> None:
    if bad.any():
        sieve.drop(bad, f"{reason} ({_some(sieve.frame['face_id'][bad])})")


def _some(names: pd.Series[Any]) -> str:
    more = ", …" if len(names) > _NAMED else ""
    return ", ".join(names.head(_NAMED)) + more
