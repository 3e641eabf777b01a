r"""Pack a layer into a compact binary block that a browser unpacks and draws by itself.

Geometry: reprojected to EPSG:3857, rounded to a grid, in Hilbert order, as differences from the previous point in
zig-zag variable-length integers. Three count streams give the parts of each feature, the rings of each part and the
points of each ring (the closing point of a polygon ring is left out)::

    feature --+-- part --+-- ring (outer)  -- points
              |          +-- ring (hole)   -- points
              +-- part ...

Columns: a number is a scaled whole number, 0 for unknown; a text is a code into a dictionary, 0 for unknown; texts of
digits only (register ids) are two whole numbers; other texts that hardly repeat are written out. Whole numbers of two
or four bytes are split into byte planes, which compresses better. The whole is gzipped without a time stamp, so equal
input gives equal bytes.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict, dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from kansenkaart.errors import SchemaError
from kansenkaart.present.mapspec import Column, Kind, Layer

#: Steps of the coordinate grid per metre of EPSG:3857 (0.1 m; about 0.06 m on the ground in the Netherlands).
GRID_PER_M = 10
#: Eight decimal digits fit in four bytes; a register id of 16 digits is two such halves.
HALF_DIGITS = 8
#: At level 9 the same takes five times the time, for 1 % less (measured on a page of 3.7 MB).
_GZIP_LEVEL = 7
_RD_TO_MERCATOR = Transformer.from_crs(28992, 3857, always_xy=True)


@dataclass(frozen=True)
class EncodedLayer:
    """A packed layer: what the page must know to unpack it, and the gzipped bytes."""

    header: dict[str, Any]
    payload: bytes


def zigzag_varints(values: NDArray[np.int64]) -> bytes:
    """Write signed whole numbers as zig-zag variable-length integers, seven bits a byte, lowest first.

    Parameters
    ----------
    values : array of int
        Numbers [1].

    Returns
    -------
    bytes
        The stream.
    """
    unsigned = ((values << 1) ^ (values >> 63)).astype(np.uint64)
    sizes = np.ones(len(unsigned), dtype=np.int64)
    for bits in range(7, 64, 7):
        sizes += unsigned >= np.uint64(1 << bits)
    starts = np.concatenate(([0], np.cumsum(sizes)))
    out = np.zeros(int(starts[-1]), dtype=np.uint8)
    for step in range(int(sizes.max(initial=0))):
        has = sizes > step
        byte = (unsigned[has] >> np.uint64(7 * step)) & np.uint64(127)
        out[starts[:-1][has] + step] = byte.astype(np.uint8) | np.where(sizes[has] > step + 1, 128, 0).astype(np.uint8)
    return out.tobytes()


def encode_layer(layer: Layer) -> EncodedLayer:
    """Pack one layer of a map.

    Parameters
    ----------
    layer : Layer
        Features in RD New.

    Returns
    -------
    EncodedLayer
        Header and gzipped bytes.

    Raises
    ------
    SchemaError
        When a column of numbers holds text, or an infinite number.
    """
    header, payload = encode_frame(layer.frame, layer.kind, layer.columns)
    about = {
        "name": layer.name,
        "label": layer.label,
        "key": layer.key,
        "title": layer.title_column,
        "arrows": layer.arrows,
        "links": [asdict(one) for one in layer.links],
    }
    return EncodedLayer({**about, **header}, payload)


def encode_frame(frame: gpd.GeoDataFrame, kind: Kind, columns: tuple[Column, ...]) -> tuple[dict[str, Any], bytes]:
    """Pack a frame: geometry and the given columns, in Hilbert order.

    Parameters
    ----------
    frame : GeoDataFrame
        Features in RD New.
    kind : {"polygon", "line", "point"}
        What the geometries are.
    columns : tuple of Column
        The columns to pack.

    Returns
    -------
    tuple of dict and bytes
        Header and gzipped bytes.
    """
    if len(frame):
        frame = frame.iloc[np.argsort(frame.hilbert_distance(), kind="stable")]
    geometry, sections = _geometry(frame, kind)
    texts: dict[str, list[str]] = {}
    packed = []
    for column in columns:
        entry, block, words = _column(frame[column.name], column)
        packed.append({**_about(column), **entry, "bytes": len(block)})
        sections.append(block)
        texts[column.name] = words
    dictionary = json.dumps(texts, ensure_ascii=False, separators=(",", ":")).encode()
    header = {"kind": kind, "n": len(frame), **geometry, "columns": packed, "textBytes": len(dictionary)}
    return header, gzip.compress(b"".join([*sections, dictionary]), _GZIP_LEVEL, mtime=0)


def _about(column: Column) -> dict[str, Any]:
    names = ("name", "label", "unit", "year", "source", "basis", "definition", "kind", "decimals")
    about = {name: getattr(column, name) for name in names}
    return {**about, "yearColumn": column.year_column, "basisColumn": column.basis_column}


def _geometry(frame: gpd.GeoDataFrame, kind: Kind) -> tuple[dict[str, Any], list[bytes]]:
    parts, rings, points, rd = _ragged(np.asarray(frame.geometry.values), kind)
    x, y = _RD_TO_MERCATOR.transform(rd[:, 0], rd[:, 1])
    grid = np.rint(np.column_stack((x, y)) * GRID_PER_M).astype(np.int64)
    origin = grid.min(axis=0) if len(grid) else np.zeros(2, dtype=np.int64)
    steps = np.diff(grid - origin, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
    streams = [zigzag_varints(a) for a in (parts, rings, points, steps[:, 0], steps[:, 1])]
    about = {
        "origin": [int(v) for v in origin],
        "grid3857": GRID_PER_M,
        "counts": [len(parts), len(rings), len(points), len(grid)],
        "streams": [len(stream) for stream in streams],
    }
    return about, streams


def _ragged(shapes: NDArray[Any], kind: Kind) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Count parts per feature, rings per part and points per ring, and give all points in that order."""
    shapes = shapely.orient_polygons(shapely.force_2d(shapes))
    parts, owner = shapely.get_parts(shapes, return_index=True)
    per_feature = np.bincount(owner, minlength=len(shapes)).astype(np.int64)
    if kind != "polygon":
        points, line = shapely.get_coordinates(parts, return_index=True)
        sizes = np.bincount(line, minlength=len(parts)).astype(np.int64)
        return per_feature, np.ones(len(parts), np.int64), sizes, np.asarray(points)
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    counts = np.bincount(ring, minlength=len(rings)).astype(np.int64)
    open_ends = np.ones(len(points), dtype=bool)
    open_ends[np.cumsum(counts) - 1] = False
    return per_feature, np.bincount(part, minlength=len(parts)).astype(np.int64), counts - 1, points[open_ends]


def _column(values: pd.Series[Any], column: Column) -> tuple[dict[str, Any], bytes, list[str]]:
    if column.kind == "number":
        return _numbers(values, column)
    known = values.notna().to_numpy()
    texts = values.astype("string").fillna("").to_numpy(dtype=object)
    words = sorted(set(texts[known]))
    if known.all() and len(texts) and len({len(t) for t in words}) == 1 and _digits(words):
        return _digit_pairs(texts)
    if len(words) * 2 > len(texts):
        listed = [str(text) if fine else None for text, fine in zip(texts, known, strict=True)]
        return {"enc": "text"}, b"", listed  # type: ignore[return-value]
    codes = np.zeros(len(texts), dtype=np.int64)
    codes[known] = np.searchsorted(np.array(words, dtype=object), texts[known]) + 1
    width, block = _planes(codes)
    return {"enc": "dict", "width": width}, block, words


def _digits(words: list[str]) -> bool:
    return all(word.isascii() and word.isdigit() for word in words) and HALF_DIGITS < len(words[0]) <= 2 * HALF_DIGITS


def _digit_pairs(texts: NDArray[Any]) -> tuple[dict[str, Any], bytes, list[str]]:
    high, low = (np.array([int(t[cut]) for t in texts]) for cut in (slice(-HALF_DIGITS), slice(-HALF_DIGITS, None)))
    (wide, top), (narrow, bottom) = _planes(high), _planes(low)
    return {"enc": "digits", "size": len(texts[0]), "width": wide, "width2": narrow}, top + bottom, []


def _numbers(values: pd.Series[Any], column: Column) -> tuple[dict[str, Any], bytes, list[str]]:
    try:
        numbers = values.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise SchemaError("numbers", found=str(error), where=f"map column {column.name!r}") from error
    if np.isinf(numbers).any():
        raise SchemaError("finite numbers", found="an infinite number", where=f"map column {column.name!r}")
    known = ~np.isnan(numbers)
    scaled = np.rint(numbers[known] * 10**column.decimals).astype(np.int64)
    least = int(scaled.min()) if len(scaled) else 0
    codes = np.zeros(len(numbers), dtype=np.int64)
    codes[known] = scaled - least + 1
    if codes.max(initial=0) >= 1 << 32:
        raise SchemaError(
            "a range of values that fits four bytes",
            found=f"{codes.max()} steps of 1e-{column.decimals}",
            where=f"map column {column.name!r}",
            remedy="give the column fewer decimals",
        )
    width, block = _planes(codes)
    return {"enc": "int", "width": width, "least": least}, block, []


def _planes(codes: NDArray[np.int64]) -> tuple[int, bytes]:
    """Write whole numbers as planes of bytes: all lowest bytes, then all next ones."""
    top = int(codes.max(initial=0))
    width = 1 if top < 1 << 8 else 2 if top < 1 << 16 else 4
    return width, np.ascontiguousarray(codes.astype(f"<u{width}").view(np.uint8).reshape(-1, width).T).tobytes()
