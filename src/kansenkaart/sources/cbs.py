"""Reads Kerncijfers wijken en buurten of CBS from the OData answers as published.

Columns are found by title and unit, since their numbers shift from year to year. A column that a year has hardly
filled yet comes from an older year, and says so.
"""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from kansenkaart.errors import FormatError
from kansenkaart.provenance import Tally
from kansenkaart.publishers import year_stated
from kansenkaart.rawnames import bounded, reading, to_number
from kansenkaart.web import parse_json

#: A year's column is used if it is filled for this share of the buurten that its best-filled year has [1].
LEAST_FILLED_SHARE = 0.5
_BUURT = re.compile(r"BU\d{8}")
_ESSENTIAL = ("inhabitants", "households")


@lru_cache(maxsize=1)
def _wanted() -> dict[str, dict[str, str]]:
    with (files("kansenkaart") / "data" / "cbs_columns.csv").open(encoding="utf-8") as handle:
        return {row["name"]: row for row in csv.DictReader(handle)}


def _squeeze(text: str) -> str:
    return re.sub(r"[^a-z0-9%]", "", text.lower().replace("³", "3"))


def _columns(properties: list[dict[str, Any]], where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, row in _wanted().items():
        for title in row["titles"].split("|"):
            hits = [
                str(one["Key"])
                for one in properties
                if _squeeze(str(one.get("Title", ""))) == _squeeze(title)
                and _squeeze(str(one.get("Unit") or "")) == _squeeze(row["unit"])
            ]
            if len(hits) > 1:
                raise FormatError(
                    f"one column {title!r} [{row['unit']}]",
                    found=str(hits),
                    where=where,
                    remedy="adapt cbs_columns.csv",
                )
            if hits:
                found[name] = hits[0]
                break
    missing = [name for name in _ESSENTIAL if name not in found]
    if missing:
        raise FormatError(
            f"columns titled {[_wanted()[name]['titles'] for name in missing]}",
            found=str([one.get("Title") for one in properties][:12]),
            where=where,
            remedy="CBS changed its titles or units: add the new spelling to data/cbs_columns.csv",
        )
    return found


def read_kwb(*paths: Path) -> tuple[pd.DataFrame, Tally]:
    """Return the statistics of buurten, each column with its year, from answers of CBS as saved.

    Parameters
    ----------
    *paths : Path
        Folders that hold a folder per table, or such table folders themselves.

    Returns
    -------
    frame : DataFrame
        ``buurtcode`` and the statistics of table ``buurt`` with ``*_year``; unknown is NaN, also where it was spelled
        ``.``, blank, -99995 or -99997. Buurten are those of the newest year.
    tally : Tally
        Rows of the newest year; wijken and municipalities left out; in ``noted`` the columns from an older year.

    Raises
    ------
    FormatError
        If files are missing or have another shape, or no column has an essential title.
    """
    folders = sorted({one.parent for path in paths for one in path.rglob("TypedDataSet.json")})
    if not folders:
        raise FormatError("a folder with TypedDataSet.json", found="none", where=str([one.name for one in paths]),
                          remedy="fetch the tables again")  # fmt: skip
    years = sorted((_read_sound(one) for one in folders), key=lambda item: item[0], reverse=True)
    newest = years[0][1]
    frame = pd.DataFrame(index=newest.index)
    noted: dict[str, int] = {}
    for name in newest.columns:
        year, column = _best_year(name, [(year, table[name].reindex(newest.index)) for year, table, _ in years])
        frame[name] = column
        frame[f"{name}_year"] = pd.Series(year, index=frame.index, dtype="Int64").where(column.notna())
        if year != years[0][0]:
            noted[f"{name} from {year}"] = int(column.notna().sum())
        if column.isna().any():
            noted[f"{name} unknown"] = int(column.isna().sum())
    rows, double = years[0][2]
    left_out = {"not a buurt": rows - double - len(frame), "same buurt twice": double}
    return frame.rename_axis("buurtcode").reset_index(), Tally(rows, len(frame), left_out, noted)


def _best_year(name: str, choices: list[tuple[int, pd.Series[Any]]]) -> tuple[int, pd.Series[Any]]:
    most = max(column.notna().sum() for _, column in choices)
    for year, column in choices:
        if column.notna().sum() >= LEAST_FILLED_SHARE * most:
            return year, column
    return choices[0]


def _read_sound(folder: Path) -> tuple[int, pd.DataFrame, tuple[int, int]]:
    with reading(folder, "answers of CBS as it sends them"):
        return _read_table(folder)


def _read_table(folder: Path) -> tuple[int, pd.DataFrame, tuple[int, int]]:
    content = {name: _rows(folder / f"{name}.json") for name in ("TableInfos", "DataProperties", "TypedDataSet")}
    where = folder.name
    raw = pd.DataFrame(content["TypedDataSet"])
    code = next((str(one["Key"]) for one in content["DataProperties"] if one.get("Title") == "Codering"), "")
    code = code if code in raw.columns else "WijkenEnBuurten"
    columns = _columns(content["DataProperties"], where)
    gone = [key for key in [code, *columns.values()] if key not in raw.columns]
    if gone:
        raise FormatError(
            f"the columns {gone} that DataProperties announces", found=str(list(raw.columns)[:12]), where=where,
            remedy="fetch the tables again",
        )  # fmt: skip
    codes = raw[code].astype(str).str.strip()
    kept = codes.str.fullmatch(_BUURT.pattern)
    double = codes.duplicated() & kept
    raw = raw[kept & ~double].set_axis(codes[kept & ~double], axis=0).sort_index()
    frame = pd.DataFrame(index=raw.index)
    for name, row in _wanted().items():
        number = to_number(raw[columns[name]], where=f"{where}, {name}") if name in columns else float("nan")
        frame[name] = number * float(row["factor"])
    frame.insert(
        0, "age_65_plus_pct", 100 * frame["age_65_plus"] / frame["inhabitants"].where(frame["inhabitants"] > 0)
    )
    return (
        year_stated(content["TableInfos"][0], where=where),
        frame.drop(columns="age_65_plus"),
        (len(codes), int(double.sum())),
    )


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        content = parse_json(bounded(path).read_bytes(), where=f"{path.parent.name}/{path.name}")
        rows: list[dict[str, Any]] = content["value"]
    except (OSError, KeyError, TypeError) as why:
        raise FormatError(
            "an OData answer with a list 'value'",
            found=f"{type(why).__name__}: {why}",
            where=f"{path.parent.name}/{path.name}",
            remedy="fetch the table again",
        ) from why
    return rows
