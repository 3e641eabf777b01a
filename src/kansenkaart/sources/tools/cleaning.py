"""Counts what a reader leaves out and why, so that rows in = kept + left out."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from kansenkaart.crs import RD, require_rd, within_rd
from kansenkaart.errors import FormatError
from kansenkaart.sources.tools.rawnames import MISSING, NOTES, has_ended, some, to_number, to_text
from kansenkaart.tables import fields, schemas
from kansenkaart.tables.provenance import Tally

_POLYGONAL = (3, 6)
_COLLECTION = 7
_MULTI_POINT = 4
_HASH_DIGITS = 12
_ID_DIGITS = 16
_ID = re.compile(r"[0-9]{13,16}")
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
    mixed = shapely.get_type_id(flat) == _COLLECTION
    flat[mixed] = [_polygonal(one) for one in flat[mixed]]
    flat[~(shapely.area(flat) > 0)] = None
    return flat, mended


def _polygonal(shape: Any) -> Any:
    if shapely.get_type_id(shape) != _COLLECTION:
        return shape
    parts = [one for one in shapely.get_parts(shape) if shapely.get_type_id(one) in _POLYGONAL]
    return shapely.union_all(parts) if parts else None


def ring_normals(points: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
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
        n = 1/2 sum(p_i x p_i+1) [1]_.

    References
    ----------
    .. [1] Newell, Newell & Sancha 1972, A solution to the hidden surface problem, doi:10.1145/800193.569954.
    """
    ends = np.append(starts[1:], len(points))
    sizes = ends - starts
    local = points - np.repeat(points[starts], sizes, axis=0)
    following = np.arange(1, len(points) + 1)
    following[ends - 1] = starts
    crossed = np.cross(local, local[following])
    return np.asarray(np.add.reduceat(crossed, starts, axis=0) / 2, dtype=np.float64)


def bag_id(value: object) -> str | None:
    """Return a BAG identification as 16 digits, from ``0503…``, ``503…`` (a number) or ``NL.IMBAG.Pand.0503…``.

    Returns
    -------
    str or None
        None where there is no identification, such as in an address that ends in another key.
    """
    if isinstance(value, str) and len(value) == _ID_DIGITS and value.isascii() and value.isdigit():
        return value  # as BAG writes it: of a hundred thousand nearly all
    if value is None or value is pd.NA or (isinstance(value, float) and not np.isfinite(value)):
        return None
    text = str(int(value)) if isinstance(value, (int, float, np.integer, np.floating)) else str(value).strip()
    last = re.split(r"[./]", re.sub(r"(?<=\d)\.0+$", "", text).rstrip("/"))[-1]
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


_SIGNS = re.compile(r"[€Ø⌀\s\u00a0\u202f']|EUR|kWp$|mm$", re.IGNORECASE)
_NO_CENTS = re.compile(r"(?<=\d)([.,])-$")
_GROUPED = r"[+-]?[1-9]\d{0,2}"
#: What is 12.5 to one and 12,500 to another.
_TWO_READINGS = re.compile(rf"{_GROUPED}[.,]\d{{3}}")


def typed_numbers(column: pd.Series, *, most: float = np.inf) -> tuple[pd.Series, pd.Series]:
    """Return numbers as people type them, and which cells can be read in two ways.

    A point or comma followed by exactly three digits (12.500) is a thousands sign or a decimal sign; the other cells of
    the column decide: 1.250,50 and 0,5 show a decimal comma, 12.5 a decimal point, 1.250.000 thousands points.

    Parameters
    ----------
    column : Series of str
        Cells as typed; a euro sign, blanks and an apostrophe are no part of the number.
    most : float
        What is as much or more is so odd that the other cells do not decide about one with two readings.

    Returns
    -------
    numbers : Series of float
        NaN for what is no number, is blank, or is ambiguous.
    ambiguous : Series of bool
        Where nothing tells which of the two is meant.
    """
    text = column.map(lambda one: _NO_CENTS.sub(r"\g<1>0", _SIGNS.sub("", one)))
    signs = {text_sign for one in text if (text_sign := _decimal_sign(one)) is not None}
    decimal = next(iter(signs)) if len(signs) == 1 else None
    plain = text.map(lambda one: _with_point(one, decimal))
    numbers = pd.to_numeric(plain, errors="coerce").astype("float64")
    doubt = text.map(lambda one: bool(_TWO_READINGS.fullmatch(one))).astype(bool)
    ambiguous = doubt & ((numbers >= most) | (decimal is None))
    return numbers.mask(ambiguous), ambiguous


def _decimal_sign(text: str) -> str | None:
    """Return the decimal sign that a number shows beyond doubt, or None."""
    if re.fullmatch(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+", text) or re.fullmatch(rf"{_GROUPED}(?:\.\d{{3}}){{2,}}", text):
        return ","
    if re.fullmatch(r"[+-]?\d{1,3}(?:,\d{3})+\.\d+", text) or re.fullmatch(rf"{_GROUPED}(?:,\d{{3}}){{2,}}", text):
        return "."
    hit = re.fullmatch(r"([+-]?\d*)([.,])(\d+)", text)
    if hit is None or _TWO_READINGS.fullmatch(text):
        return None
    return hit[2]


def _with_point(text: str, decimal: str | None) -> str:
    own = _decimal_sign(text) or decimal or "."
    other = "." if own == "," else ","
    if not re.fullmatch(r"[+-]?[\d.,]+(?:[eE][+-]?\d+)?", text):
        return ""
    if other in text and not re.fullmatch(
        rf"[+-]?\d{{1,3}}(?:{re.escape(other)}\d{{3}})+(?:{re.escape(own)}\d+)?", text
    ):
        return ""
    return text.replace(other, "").replace(own, ".")


def unmistakable(text: str) -> str:
    """Return a number of a cell, which nobody typed, as text that means one thing: 2.125 as 2.1250, which is no 2,125."""
    return f"{text}0" if _TWO_READINGS.fullmatch(text) else text


#: Outside Limburg no ground is higher than the Signaal Imbosch on the Veluwe [m NAP]; north of this y lies none of it [m].
HIGHEST_GROUND_M_NAP, NORTH_OF_LIMBURG_M = 110.0, 420_000.0
NO_GEOMETRY = "no usable geometry"
NAMED_RD = "reference system not named, RD New from its coordinates"
MENDED = "self-crossing geometry mended"
STRAY = "outside RD New: coordinates of another system"
#: Systems of files that name none: nothing, and what is taken of GeoJSON that says nothing.
UNNAMED = (None, ("EPSG", "4326"), ("OGC", "CRS84"))


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
    if code not in UNNAMED or frame.empty or frame.geometry.isna().all():
        return frame if frame.crs is not None else frame.set_crs(RD), False
    if not in_rd(frame.geometry.to_numpy()).all():
        return frame, False
    return frame.set_crs(RD, allow_override=True), True


def in_rd(shapes: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which shapes lie within the area of use of RD New; a shape without a place does not."""
    west, south, east, north = shapely.bounds(shapes).T
    inside: NDArray[np.bool_] = within_rd(west, south) & within_rd(east, north)
    return inside


def placeless(shapes: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which shapes are missing, empty, or have a corner that is no number or infinite."""
    bad: NDArray[np.bool_] = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    corners, owner = shapely.get_coordinates(shapes, return_index=True)
    bad[np.unique(owner[~np.isfinite(corners).all(axis=1)])] = True
    return bad


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
        self.noted: Counter[str] = Counter(frame.attrs.get(NOTES, {}))

    def drop(self, bad: Any, reason: str) -> None:
        """Leave rows out for one reason."""
        mask = np.asarray(bad, dtype=bool)
        self.left_out[reason] += int(mask.sum())
        self.frame = self.frame[~mask].reset_index(drop=True)

    def drop_named(self, bad: Any, reason: str) -> None:
        """Leave rows out for one reason, and note the first few by their identification."""
        mask = np.asarray(bad, dtype=bool)
        if mask.any():
            self.note(f"left out, {reason}: {some(self._names()[mask])}", mask.sum())
            self.drop(mask, reason)

    def drop_doubles(self, key: str, reason: str, *, keep: Literal["first", "last"] = "first") -> None:
        """Leave out all rows of a key but one, and name those whose copies say something else.

        Parameters
        ----------
        key : str
            Column that identifies an object.
        reason : str
            Under which the copies are counted.
        keep : {'first', 'last'}
            Which copy stays.
        """
        double = self.frame[key].duplicated(keep=False)
        if double.any():
            copies = pd.DataFrame(self.frame[double].drop(columns="geometry", errors="ignore")).astype(str)
            if isinstance(self.frame, gpd.GeoDataFrame):
                copies["_place"] = shapely.to_wkb(shapely.normalize(self.frame.geometry[double].to_numpy()), hex=True)
            kinds = copies.drop_duplicates().groupby(key).size()
            torn = [str(one) for one in kinds.index[kinds > 1]]
            if torn:
                self.note(f"{reason}, with other values, the {keep} kept: {some(torn)}", len(torn))
        self.drop(self.frame[key].duplicated(keep=keep), reason)

    def drop_ended(self, reason: str) -> None:
        """Leave out what a column of history (``ended``, ``ended_...``) says is over, for one reason."""
        for name in [one for one in self.frame.columns if one.startswith("ended")]:
            self.drop(has_ended(self.frame[name]), reason)

    def identify(self, key: str) -> None:
        """Make texts of identifications, and leave out rows without one."""
        self.frame[key] = to_text(self.frame[key])
        self.drop(self.frame[key].isna(), "no identification")

    def _names(self) -> NDArray[Any]:
        key = next((str(one) for one in self.frame.columns if str(one).endswith("_id") or one == "buurtcode"), None)
        rows = [f"row {number}" for number in range(1, len(self.frame) + 1)]
        if key is None:
            return np.asarray(rows, dtype=object)
        ids = to_text(self.frame[key]).to_numpy(dtype=object)
        return np.asarray([one if isinstance(one, str) else row for one, row in zip(ids, rows, strict=True)], object)

    def numbers(self, name: str, where: str) -> pd.Series[float]:
        """Return a column as numbers; the odd cell that is no number becomes unknown and is counted.

        Raises
        ------
        FormatError
            If most of what is filled in is no number: then the column is another one.
        """
        values = to_number(self.frame[name], where=where, lenient=True)
        if pd.api.types.is_numeric_dtype(self.frame[name]) or values.notna().all():
            return values
        spelled = to_text(self.frame[name])
        filled = spelled.notna() & ~spelled.str.lower().isin(MISSING)
        odd = filled & values.isna()
        if 2 * odd.sum() > filled.sum():
            raise FormatError(
                f"numbers in column {name}",
                found=repr(spelled[odd].iloc[0]),
                where=f"{where}, row {odd.idxmax()}: {self._names()[int(odd.to_numpy().argmax())]}",
                remedy="check that the form in the study is that of this file",
            )
        if odd.any():
            self.note(f"{name} is no number, unknown (such as {spelled[odd].iloc[0]!r:.40})", odd.sum())
        return values

    def drop_by_name(self, bad: Any, names: pd.Series[Any], prefix: str) -> None:
        """Leave rows out, counted by a name each, such as their status."""
        mask = np.asarray(bad, dtype=bool)
        for name, count in names[mask].fillna("unknown").value_counts().items():
            self.left_out[f"{prefix}{name}"] += int(count)
        self.frame = self.frame[~mask].reset_index(drop=True)

    def note(self, reason: str, count: Any) -> None:
        """Count something seen in rows that stay [1]."""
        self.noted[reason] += int(count)

    def blank_outside(self, name: str) -> None:
        """Make values outside the limits of their field unknown, and count them."""
        low, high = fields.get(name).minimum, fields.get(name).maximum
        column = self.frame[name].astype("float64")
        lowest, highest = (-np.inf if low is None else low), (np.inf if high is None else high)
        bad = (column < lowest) | (column > highest)
        reason = f"{name} below {low:g}, unknown" if high is None and low is not None else ""
        self.note(reason or f"{name} outside {lowest:g} to {highest:g}, unknown", bad.sum())
        self.frame[name] = column.where(~bad, np.nan)

    def polygons(self, where: str = "") -> None:
        """Mend polygons, leave out rows without any, name an unnamed reference system."""
        self._place(where)
        shapes, mended = polygons_of(self.frame.geometry.to_numpy())
        self.note(MENDED, (mended & (shapes != np.array(None))).sum())
        self._set_shapes(shapes)

    def lines(self, where: str = "") -> None:
        """Make lines two-dimensional, merge one-part multi-lines, leave out rows without length."""
        self._place(where)
        flat = shapely.force_2d(self.frame.geometry.to_numpy())
        keep = (shapely.get_dimensions(flat) == 1) & (shapely.length(flat) > 0)  # merged, land would be its border
        self._set_shapes(np.where(keep, shapely.line_merge(flat), None))

    def points(self, where: str = "") -> None:
        """Make points two-dimensional and leave out rows without one; of a multi-point of one, that one."""
        self._place(where)
        flat = shapely.force_2d(self.frame.geometry.to_numpy())
        single = (shapely.get_type_id(flat) == _MULTI_POINT) & (shapely.get_num_geometries(flat) == 1)
        flat = np.where(single, shapely.get_geometry(flat, 0), flat)
        keep = (shapely.get_type_id(flat) == 0) & ~shapely.is_empty(flat)
        self._set_shapes(np.where(keep, flat, None))

    def _place(self, where: str) -> None:
        """Leave out rows without a place and the few that lie elsewhere, then require RD New of the rest."""
        self.drop_named(placeless(self.frame.geometry.to_numpy()), NO_GEOMETRY)
        stray = ~in_rd(self.frame.geometry.to_numpy())
        if 2 * stray.sum() < len(stray):
            self.drop_named(stray, STRAY)
        self.frame, named = name_rd(self.frame)
        require_rd(self.frame, where=where)
        self.note(NAMED_RD, len(self.frame) if named else 0)

    def _set_shapes(self, shapes: Any) -> None:
        crs = self.frame.crs
        self.frame = self.frame.set_geometry(gpd.GeoSeries(shapes, index=self.frame.index, crs=crs))
        self.drop_named(shapely.is_missing(shapes), NO_GEOMETRY)

    def table(self, name: str, path: Path) -> tuple[Any, Tally]:
        """Return the rows as one of our tables, with the counts.

        Parameters
        ----------
        name : str
            Of the table; its columns are there, in any order.
        path : Path
            The file, for the message.

        Raises
        ------
        SchemaError
            If the rows are not as the table asks, or were lost without a reason.
        """
        columns = list(schemas.get(name).columns)
        return schemas.conform(self.frame[columns], name, where=path.name), self.tally()

    def tally(self) -> Tally:
        """Return the counts.

        Raises
        ------
        SchemaError
            If rows were lost without a reason.
        """
        return Tally(self.rows_in, len(self.frame), dict(self.left_out), dict(self.noted))
