"""A municipality's or corporation's own tables (CSV or GeoPackage), with a report of every row.

One row that is wrong never disappears: it stands in the report with its row number, what was found and what was done.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kansenkaart.errors import FormatError
from kansenkaart.sources.tools.geofiles import read_vector
from kansenkaart.sources.tools.rawnames import bounded, reading


@dataclass(frozen=True)
class OwnTable:
    """The shape of one own table: its key, required text, whole years and positive numbers.

    A key may be made of several ``parts``, columns of the file that are joined with colons.
    """

    key: str
    texts: tuple[str, ...] = ()
    years: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    signed: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of the file, the key first."""
        return (*(self.parts or (self.key,)), *self.texts, *self.years, *self.numbers)


PANDEN = OwnTable("pand_id", texts=("owner",), years=("maintenance_year",))
SEWERS = OwnTable("pipe_id", years=("laying_year",), numbers=("diameter_mm",))
BUDGETS = OwnTable("service", texts=("payer",), numbers=("budget_eur_per_year",))
ACTUALS = OwnTable(
    "actual_id", numbers=("actual_value",), parts=("place_id", "actual_year", "actual_item"), signed=True
)
ACTUAL_ITEMS = ("households", "paid_hours", "volunteer_hours", "investment_eur", "enterprise_eur", "household_eur")


@dataclass(frozen=True)
class OwnData:
    """What may be used, and what became of each row.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per key, all of them known; a cell that could not be read is missing.
    report : pandas.DataFrame
        row (as numbered in the file, the header is 1), key, column, found, result: ``matched``, ``unknown_id``,
        ``duplicate``, ``conflict``, ``no_id`` or ``unreadable``.
    """

    table: pd.DataFrame
    report: pd.DataFrame


def read_own(path: Path, *, shape: OwnTable, known: Collection[str], first_year: int, last_year: int) -> OwnData:
    """Read one own table and join it on the ids that are known.

    Equal rows count once; rows that contradict each other are all left out, because nothing says which is right.

    Parameters
    ----------
    path : Path
        A ``.csv`` (comma or semicolon, UTF-8) or ``.gpkg`` file.
    shape : OwnTable
        ``PANDEN``, ``SEWERS``, ``BUDGETS`` or ``ACTUALS``.
    known : collection of str
        Ids of BAG, GWSW or the services.
    first_year, last_year : int
        Bounds of a credible year [year].

    Raises
    ------
    FormatError
        If the file is of another kind, is not UTF-8 or lacks a column.
    """
    raw = _own_columns(_read(path), shape, path)
    return _told(raw, shape, frozenset(known), (first_year, last_year))


def read_actuals(path: Path, *, first_year: int, last_year: int) -> OwnData:
    """Read what became of a plan: per place, year and item one figure; the place is checked where the report is made.

    Parameters
    ----------
    path : Path
        A ``.csv`` or ``.gpkg`` file with place_id (``buurt:BU…``), actual_year, actual_item and actual_value.
    first_year, last_year : int
        Bounds of a credible year [year].

    Raises
    ------
    FormatError
        If the file is of another kind, is not UTF-8 or lacks a column.
    """
    raw = _own_columns(_read(path), ACTUALS, path)
    spans = (range(first_year, last_year + 1), ACTUAL_ITEMS)
    ids = {
        f"{place}:{year}:{item}"
        for place in raw["place_id"].unique()
        if place
        for year in spans[0]
        for item in spans[1]
    }
    return _told(raw, ACTUALS, frozenset(ids), (first_year, last_year))


def _own_columns(raw: pd.DataFrame, shape: OwnTable, path: Path) -> pd.DataFrame:
    missing = [name for name in shape.columns if name not in raw.columns]
    if missing:
        raise FormatError(
            f"the columns {', '.join(shape.columns)}",
            found=f"{', '.join(map(str, raw.columns))}; missing {', '.join(missing)}",
            where=path.name,
            remedy="add or rename the columns; see docs/how-to/own-data.md",
        )
    own = raw[list(shape.columns)].apply(lambda column: column.str.strip())
    if shape.parts:
        own = own.assign(**{shape.key: own[list(shape.parts)].pipe(_joined, ":")})
    return pd.DataFrame(own.set_axis(pd.RangeIndex(2, len(own) + 2, name="row")))


def _joined(cells: pd.DataFrame, separator: str) -> pd.Series:
    """Return the cells of each row as one text; no text at all for a table without rows."""
    texts = [separator.join(row) for row in cells.itertuples(index=False, name=None)]
    return pd.Series(texts, index=cells.index, dtype="str")


def _told(raw: pd.DataFrame, shape: OwnTable, known: frozenset[str], years: tuple[int, int]) -> OwnData:
    clean, notes = _clean(raw, shape, years)
    result = _results(raw, shape, known)
    keep = result.eq("matched")
    found = raw[shape.key].where(keep, _joined(raw[list(shape.columns)], " | "))
    rows = pd.DataFrame(
        {"row": raw.index, "key": raw[shape.key], "column": shape.key, "found": found, "result": result}
    )
    report = pd.concat([rows, notes], ignore_index=True) if len(notes) else rows.reset_index(drop=True)
    table = clean[keep].set_index(shape.key)
    return OwnData(table, report.sort_values("row", kind="stable", ignore_index=True))


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".gpkg":
        with reading(path, "a GeoPackage with a table"):
            frame = read_vector(path, geometry=False)
            return pd.DataFrame({name: _text(frame[name]) for name in frame.columns})
    if path.suffix != ".csv":
        raise FormatError("a .csv or .gpkg file", found=path.suffix, where=path.name, remedy="export it as CSV")
    try:
        with bounded(path).open(encoding="utf-8-sig") as stream:
            separator = ";" if ";" in stream.readline() else ","
        frame = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        if not isinstance(frame.index, pd.RangeIndex):
            raise ValueError("rows with more cells than the head")
        return frame
    except (ValueError, OSError, OverflowError) as why:  # encoding, ragged rows and no rows are ValueErrors
        raise FormatError(
            "a table in UTF-8 with a head and as many cells in each row",
            found=str(why)[:300],
            where=path.name,
            remedy="save it as CSV UTF-8; see docs/how-to/own-data.md",
        ) from why


def _text(column: pd.Series) -> pd.Series:
    return column.astype("string").fillna("").str.removesuffix(".0").astype(str)


def _results(raw: pd.DataFrame, shape: OwnTable, known: frozenset[str]) -> pd.Series:
    key = raw[shape.key]
    result = pd.Series("matched", index=raw.index)
    result[raw.duplicated(keep="first")] = "duplicate"
    different = raw.drop_duplicates()[shape.key].value_counts()
    result[key.isin(different[different > 1].index)] = "conflict"
    result[~key.isin(known)] = "unknown_id"
    result[key.eq("")] = "no_id"
    return result


def _clean(raw: pd.DataFrame, shape: OwnTable, years: tuple[int, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    clean, notes = raw.copy(), []
    for name in (*shape.years, *shape.numbers):
        lowest = -sys.float_info.max if shape.signed else 0.0
        bounds = (float(years[0]), float(years[1])) if name in shape.years else (lowest, sys.float_info.max)
        number = pd.to_numeric(raw[name].str.replace(",", ".", regex=False), errors="coerce")
        whole = number.mod(1).eq(0) if name in shape.years else number.notna()
        clean[name] = number.where(number.between(*bounds) & whole)
        notes += list(_unreadable(raw, clean, shape.key, name))
    return clean, pd.DataFrame(notes)


def _unreadable(raw: pd.DataFrame, clean: pd.DataFrame, key: str, name: str) -> Iterator[dict[str, object]]:
    wrong = clean[name].isna() & raw[name].ne("")
    for row in raw.index[wrong]:
        yield {
            "row": row,
            "key": raw.loc[row, key],
            "column": name,
            "found": raw.loc[row, name],
            "result": "unreadable",
        }
