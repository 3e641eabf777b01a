"""Counts what a reader leaves out and why, so that rows in = kept + left out."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from kansenkaart.crs import RD, RD_BOUNDS_M, require_rd
from kansenkaart.tables.provenance import Tally

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


NO_GEOMETRY = "no usable geometry"
NAMED_RD = "reference system not named, RD New from its coordinates"
MENDED = "self-crossing geometry mended"
_UNNAMED = (None, ("EPSG", "4326"), ("OGC", "CRS84"))


def name_rd(frame: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, bool]:
    """Return the frame in RD New if its system is unnamed (or GeoJSON's default) and its coordinates can only be RD.

    Nothing is reprojected: a file that names another system keeps it, and is refused later.

    Returns
    -------
    frame : GeoDataFrame
        With RD New as its system where that was unnamed; coordinates unchanged [m].
    named : bool
        Whether the system was unnamed and has been named.
    """
    code = None if frame.crs is None else frame.crs.to_authority()
    if code not in _UNNAMED or frame.empty or frame.geometry.isna().all():
        return frame if frame.crs is not None else frame.set_crs(RD), False
    x0, y0, x1, y1 = frame.total_bounds
    low_x, low_y, high_x, high_y = RD_BOUNDS_M
    inside = x0 >= low_x and y0 >= low_y and x1 <= high_x and y1 <= high_y
    return (frame.set_crs(RD, allow_override=True), True) if inside else (frame, False)


class Sieve:
    """A frame on its way to a clean table, with the count of what was left out.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        All rows as published.
    """

    def __init__(self, frame: Any) -> None:
        self.frame = frame.reset_index(drop=True)
        self.rows_in = len(frame)
        self.left_out: Counter[str] = Counter()
        self.noted: Counter[str] = Counter()

    def drop(self, bad: Any, reason: str) -> None:
        """Leave rows out for one reason."""
        mask = np.asarray(bad, dtype=bool)
        self.left_out[reason] += int(mask.sum())
        self.frame = self.frame[~mask].reset_index(drop=True)

    def drop_by_name(self, bad: Any, names: pd.Series[Any], prefix: str) -> None:
        """Leave rows out, counted by a name each, such as their status."""
        mask = np.asarray(bad, dtype=bool)
        for name, count in names[mask].fillna("unknown").value_counts().items():
            self.left_out[f"{prefix}{name}"] += int(count)
        self.frame = self.frame[~mask].reset_index(drop=True)

    def note(self, reason: str, count: Any) -> None:
        """Count something seen in rows that stay [1]."""
        self.noted[reason] += int(count)

    def blank_outside(self, name: str, low: float | None, high: float | None) -> None:
        """Make values outside their limits unknown, and count them."""
        column = self.frame[name].astype("float64")
        bad = pd.Series(False, index=column.index)
        if low is not None:
            bad |= column < low
        if high is not None:
            bad |= column > high
        self.note(f"{name} outside {low} to {high}, unknown", bad.sum())
        self.frame[name] = column.where(~bad, np.nan)

    def polygons(self, where: str = "") -> None:
        """Mend polygons, leave out rows without any, name an unnamed reference system."""
        self._name_rd(where)
        shapes, mended = polygons_of(self.frame.geometry.to_numpy())
        self.note(MENDED, (mended & (shapes != np.array(None))).sum())
        self._set_shapes(shapes)

    def lines(self, where: str = "") -> None:
        """Make lines two-dimensional, merge one-part multi-lines, leave out rows without length."""
        self._name_rd(where)
        flat = shapely.line_merge(shapely.force_2d(self.frame.geometry.to_numpy()))
        keep = np.isin(shapely.get_type_id(flat), (1, 5)) & (shapely.length(flat) > 0)
        self._set_shapes(np.where(keep, flat, None))

    def points(self, where: str = "") -> None:
        """Make points two-dimensional and leave out rows without one."""
        self._name_rd(where)
        flat = shapely.force_2d(self.frame.geometry.to_numpy())
        keep = (shapely.get_type_id(flat) == 0) & ~shapely.is_empty(flat)
        self._set_shapes(np.where(keep, flat, None))

    def _name_rd(self, where: str) -> None:
        self.frame, named = name_rd(self.frame)
        require_rd(self.frame, where=where)
        self.note(NAMED_RD, len(self.frame) if named else 0)

    def _set_shapes(self, shapes: Any) -> None:
        crs = self.frame.crs
        self.frame = self.frame.set_geometry(gpd.GeoSeries(shapes, index=self.frame.index, crs=crs))
        self.drop(shapely.is_missing(shapes), NO_GEOMETRY)

    def tally(self) -> Tally:
        """Return the counts.

        Raises
        ------
        SchemaError
            If rows were lost without a reason.
        """
        return Tally(self.rows_in, len(self.frame), dict(self.left_out), dict(self.noted))
