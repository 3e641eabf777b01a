"""The table shapes: which columns each stored table has, composed from the dictionary and checked with pandera.

``data/tables.csv`` holds a row per table: stage folder, geometry kinds, key columns, what the table is and what one row of it
is (Dutch and English), the columns by which it is published in files ``apart`` (so that no file invites a double sum), the
tables that its columns refer to (``column>table``), and columns. A column may be
unknown (null) when its name ends in ``?``; columns that are not listed are an error. A column whose own row in the
dictionary names the table need not be listed: it stands after the others, before what they are made from (``_basis``) and
their geometry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import geopandas as gpd
import pandas as pd
import pandera.pandas as pa

from kansenkaart.config import packaged_rows
from kansenkaart.crs import RD, require_rd
from kansenkaart.errors import SchemaError
from kansenkaart.tables import fields

_DTYPES: dict[str, Any] = {
    "str": "str",
    "list": "str",
    "int": "Int64",
    "float": "float64",
    "bool": "boolean",
    "time": "datetime64[us, UTC]",
}
_SHOWN_FAILURES = 5
_NO_LIMIT = float("inf")
#: Kinds of shapes that somebody's own frame may hold.
LAND, POINTS = ("Polygon", "MultiPolygon"), ("Point",)
LINES_OR_LAND = ("LineString", "MultiLineString", "LinearRing", *LAND)


@dataclass(frozen=True)
class Table:
    """The shape of one stored table, what it is, and what one row of it is.

    `apart` names the columns by whose values it is published in several files, `references` the table by column.
    """

    name: str
    stage: str
    geometry: tuple[str, ...]
    key: tuple[str, ...]
    columns: tuple[str, ...]
    nullable: frozenset[str]
    title_nl: str
    title_en: str
    row_nl: str
    row_en: str
    apart: tuple[str, ...]
    references: tuple[tuple[str, str], ...]


@lru_cache(maxsize=1)
def tables() -> dict[str, Table]:
    """Return all table shapes by name."""
    found = {}
    for row in packaged_rows("tables.csv"):
        words = _with_own(row["table"], row["columns"].split())
        if row["table"] in found:
            raise SchemaError(
                "every table once", found=row["table"], where="data/tables.csv", remedy="remove one of the two rows"
            )
        plain: dict[str, Any] = {name: row[name] for name in ("stage", "title_nl", "title_en", "row_nl", "row_en")}
        plain |= {name: tuple(row[name].split()) for name in ("geometry", "key", "apart")}
        found[row["table"]] = Table(
            row["table"],
            **plain,
            columns=tuple(word.removesuffix("?") for word in words),
            nullable=frozenset(word.removesuffix("?") for word in words if word.endswith("?")),
            references=tuple((word.partition(">")[0], word.partition(">")[2]) for word in row["references"].split()),
        )
    return found


def _with_own(table: str, words: list[str]) -> list[str]:
    """Add the columns whose own row names the table, before the grounds and the geometry at the end."""
    own = [
        one.name + "?" * nullable
        for one in fields.dictionary().values()
        for name, nullable in one.tables
        if name == table
    ]
    last = {"geometry", *(name for name in fields.dictionary() if name.endswith("_basis"))}
    at = len(words)
    while own and at and words[at - 1].removesuffix("?") in last:
        at -= 1
    return [*words[:at], *own, *words[at:]]


def get(name: str) -> Table:
    """Return one table shape.

    Parameters
    ----------
    name : str
        Of a table.

    Raises
    ------
    SchemaError
        If no table has that name.
    """
    if name not in tables():
        raise SchemaError(
            f"one of the tables {sorted(tables())}", found=name, where="data/tables.csv", remedy="add the table's row"
        )
    return tables()[name]


def conform(frame: pd.DataFrame, table: str, *, where: str = "", checked: bool = False) -> pd.DataFrame:
    """Return the frame with the table's columns in order and the dictionary's types, checked.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Must have all columns of the table and no others; geometry in RD New.
    table : str
        Name of the table.
    where : str
        File or step, for the message.
    checked : bool
        Whether these very values were checked before: then columns and types only are.

    Raises
    ------
    SchemaError
        If columns are missing or unknown, a value has another type or lies outside its range, a key is double or null.
    CrsError
        If the geometry is not in RD New.
    """
    shape = get(table)
    _require_columns(frame, shape, where)
    ordered = frame[list(shape.columns)].reset_index(drop=True)
    for name in shape.columns:
        kind = fields.get(name).type
        if kind != "geometry":
            ordered[name] = _cast(ordered[name], kind, f"{where or table}, column {name}")
    if shape.geometry:
        ordered = require_rd(
            gpd.GeoDataFrame(ordered, geometry="geometry", crs=frame.crs), where=where or table
        ).set_crs(RD, allow_override=True)
    if not checked:
        if shape.geometry:
            _require_geometry(ordered, shape, where)
        _validate(ordered, shape, where)
    return ordered


def require(
    frame: pd.DataFrame,
    where: str,
    *columns: str,
    figures: Sequence[str] = (),
    measures: Sequence[str] = (),
    kinds: Sequence[str] = (),
    key: str = "",
) -> None:
    """Refuse somebody's own frame in words, before anything is made of it; shapes that it has are in RD New.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Other columns may be there too.
    where : str
        What it is, for the message.
    *columns : str
        That it must have.
    figures : sequence of str
        Columns that hold numbers or nothing, where they are there.
    measures : sequence of str
        The same, and within the limits of the dictionary: no sum may rest on a roof of -1 m2.
    kinds : sequence of str
        Kinds of shapes of which each row must have one, but that a point may lack.
    key : str
        Column that names each row once.

    Raises
    ------
    SchemaError, CrsError
        If it is no such frame.
    """
    if not isinstance(frame, pd.DataFrame):
        raise SchemaError("a table with columns", found=type(frame).__name__, where=where)
    if missing := [name for name in columns if name not in frame]:
        raise SchemaError(f"columns {list(columns)}", found=f"no {missing}", where=where)
    for name in (one for one in (*figures, *measures) if one in frame):
        numbers = pd.to_numeric(frame[name], errors="coerce")
        words = frame[name][frame[name].notna() & numbers.isna()]
        if len(words):
            raise SchemaError("numbers", found=str(words.iloc[0])[:80], where=f"{where}.{name}")
        if name in measures:
            _require_limits(numbers, where)
    if key and frame[key].duplicated().any():
        twice = frame[key][frame[key].duplicated()].iloc[0]
        raise SchemaError(f"each {key} once", found=f"{twice} more than once", where=where)
    if kinds:
        _require_kinds(frame, where, kinds)
    if isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None:
        require_rd(frame, where=where)


def _require_kinds(frame: pd.DataFrame, where: str, kinds: Sequence[str]) -> None:
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        raise SchemaError("a GeoDataFrame with shapes", found="a table without geometry", where=where)
    none = frame.geometry.isna() | frame.geometry.is_empty
    wrong = (~frame.geom_type.isin(kinds) & ~none) | (none if kinds != POINTS else False)
    if wrong.any():
        raise SchemaError(f"a {kinds[0]} in each row", found=f"{int(wrong.sum())} rows without", where=where)


def filled(frame: gpd.GeoDataFrame, table: str, choice: Sequence[str]) -> pd.DataFrame:
    """Return somebody's own frame as one of our tables: columns that may be empty may miss, others are left out.

    Parameters
    ----------
    frame : GeoDataFrame
        With the columns of the table that are never empty.
    table : str
        Name of the table.
    choice : sequence of str
        Tables of which it may be one.

    Raises
    ------
    SchemaError, CrsError
        If there is no such table, or the frame does not hold to it.
    """
    if table not in choice:
        raise SchemaError(f"one of {', '.join(choice)}", found=table, where="table")
    shape = get(table)
    require(frame, table, *(one for one in shape.columns if one not in shape.nullable))
    return conform(frame.reindex(columns=list(shape.columns)), table)


def _require_columns(frame: pd.DataFrame, shape: Table, where: str) -> None:
    missing = [name for name in shape.columns if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in shape.columns]
    if missing or unknown:
        raise SchemaError(
            f"the columns of table {shape.name}",
            found=f"missing {missing}, unknown {unknown}",
            where=where or shape.name,
            remedy="correct the reader or the row of data/tables.csv",
        )


def _cast(column: pd.Series[Any], kind: str, where: str) -> pd.Series[Any]:
    try:
        return column.astype(_DTYPES[kind])
    except (ValueError, TypeError) as why:
        raise SchemaError(f"values of type {kind}", found=str(why), where=where, remedy="correct the reader") from why


def _require_geometry(frame: gpd.GeoDataFrame, shape: Table, where: str) -> None:
    bad = ~frame.geometry.geom_type.isin(shape.geometry) | frame.geometry.isna() | frame.geometry.is_empty
    if bad.any():
        raise SchemaError(
            f"geometry of kind {shape.geometry}",
            found=f"{int(bad.sum())} rows with {frame.geometry[bad].geom_type.unique().tolist()}",
            where=f"{where or shape.name}, first row {bad.idxmax()}",
            remedy="leave such rows out with a reason",
        )


@lru_cache(maxsize=64)
def _pandera(name: str) -> pa.DataFrameSchema:
    shape = get(name)
    columns = {}
    for column in shape.columns:
        one = fields.get(column)
        if one.type == "geometry":
            continue
        checks = []
        if one.minimum is not None:
            checks.append(pa.Check.ge(one.minimum))
        if one.maximum is not None:
            checks.append(pa.Check.le(one.maximum))
        columns[column] = pa.Column(None, checks=checks, nullable=column in shape.nullable)
    return pa.DataFrameSchema(columns, unique=list(shape.key) or None, strict=False)


def _require_limits(numbers: pd.Series[float], where: str) -> None:
    field = fields.get(str(numbers.name))
    low, high = (
        bound if bound is not None else end for bound, end in ((field.minimum, -_NO_LIMIT), (field.maximum, _NO_LIMIT))
    )
    if len(outside := numbers[numbers.notna() & ~numbers.between(low, high)]):
        raise SchemaError(
            f"numbers from {low:g} to {high:g} {field.unit}",
            found=f"{outside.iloc[0]:g}",
            where=f"{where}.{field.name}",
        )


def _validate(frame: pd.DataFrame, shape: Table, where: str) -> None:
    try:
        _pandera(shape.name).validate(pd.DataFrame(frame.drop(columns="geometry", errors="ignore")), lazy=True)
    except pa.errors.SchemaErrors as why:
        cases = why.failure_cases.head(_SHOWN_FAILURES)
        found = "; ".join(
            f"{row.column}: {row.check} (value {row.failure_case}, row {row.index})" for row in cases.itertuples()
        )
        raise SchemaError(
            f"values within the limits of table {shape.name}",
            found=found,
            where=where or shape.name,
            remedy="look at the rows named; the limits stand in data/fields/*.csv",
        ) from why
