"""Mends what comes damaged from a publisher: geometry, and the spellings of identifications."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

_POLYGONAL = (3, 6)
_COLLECTION = 7
_HASH_DIGITS = 12
_ID_DIGITS = 16
_ID = re.compile(r"\d{13,16}")
_SPLIT = re.compile(r"[{}\[\]\s,;\"']+")


def polygons_of(shapes: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return two-dimensional polygons, self-crossing rings mended, and which ones were mended.

    Parameters
    ----------
    shapes : array of geometry
        Coordinates in RD New [m]; may hold nothing, lines or points, which come back as None.

    Returns
    -------
    polygons : array of geometry
        Polygon, MultiPolygon or None [m].
    mended : array of bool
        True where the shape was not valid as published.
    """
    flat: NDArray[Any] = np.array(shapely.force_2d(np.asarray(shapes, dtype=object)), dtype=object)
    mended = ~shapely.is_valid(flat) & ~shapely.is_missing(flat)
    flat[mended] = [_polygonal(one) for one in shapely.make_valid(flat[mended])]
    keep = np.isin(shapely.get_type_id(flat), _POLYGONAL) & ~shapely.is_empty(flat) & (shapely.area(flat) > 0)
    flat[~keep] = None
    return flat, mended


def _polygonal(shape: Any) -> Any:
    if shapely.get_type_id(shape) != _COLLECTION:
        return shape
    parts = [one for one in shapely.get_parts(shape) if shapely.get_type_id(one) in _POLYGONAL]
    return shapely.union_all(parts) if parts else None


def bag_id(value: object) -> str | None:
    """Return a BAG identification as 16 digits, from ``0503…``, ``503…`` (a number) or ``NL.IMBAG.Pand.0503…``.

    Returns
    -------
    str or None
        None where there is no identification, such as in an address that ends in another key.
    """
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    text = str(int(value)) if isinstance(value, (int, float, np.integer, np.floating)) else str(value).strip()
    last = re.split(r"[./]", text.rstrip("/"))[-1]
    return last.zfill(_ID_DIGITS) if _ID.fullmatch(last) else None


def bag_ids(value: object) -> list[str]:
    """Return all identifications in a list, an array as text (``{a,b}``) or comma-joined text, sorted and unique."""
    if isinstance(value, (list, tuple, np.ndarray)):
        parts = list(value)
    elif isinstance(value, str):
        parts = [one for one in _SPLIT.split(value) if one]
    else:
        parts = [value]
    return sorted({one for one in map(bag_id, parts) if one is not None})


def shape_ids(shapes: NDArray[Any], *, prefix: str) -> list[str]:
    """Return made-up identifications that depend on the shapes alone, not on their order in the file.

    Equal shapes get the same identification.
    """
    normal = shapely.normalize(shapely.force_2d(shapes))
    return [f"{prefix}-{hashlib.sha256(one).hexdigest()[:_HASH_DIGITS]}" for one in shapely.to_wkb(normal)]
