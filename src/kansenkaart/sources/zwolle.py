"""Reads the buurten of the municipality of Zwolle: its own polygons, Klimaatmonitor and cijfersoverzwolle.

The CBS code of a buurt is ``BU0193``, the municipality's number of three digits, and ``0``.
"""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from kansenkaart.errors import FormatError
from kansenkaart.sources.tools.cleaning import Sieve
from kansenkaart.sources.tools.geofiles import read_vector
from kansenkaart.sources.tools.layers import read_table
from kansenkaart.sources.tools.rawnames import reading, to_number, to_our_names, to_text
from kansenkaart.tables import schemas
from kansenkaart.tables.provenance import Tally

MUNICIPALITY = ("GM0193", "Zwolle")
#: Half of the last digit of the totals: energy is published in steps of 0.1 million m3 and 0.1 GWh.
HALF_STEP = 0.05
#: Energy per home stays unknown where the rounding of the published total is a larger share of it [1].
MOST_ROUNDING_FRAC = 0.1
_MILLION = 1e6
_PERCENT = 100.0
#: Names that the polygons spell otherwise than the workbooks, without blanks and hyphens.
ALIASES = {
    "bedrijventerreinmarslanden": "bedrijventerreinmarslandenzuid",
    "harculoenhoogzutmen": "harculoenhoogzuthem",
    "tippebijdeijssel": "detippe",
}
_TITLE = re.compile(r"Thema's - (\d{4}) - Buurten")


def read_buurt(
    path: Path, *, klimaat: Path | None = None, cijfers: Path | None = None
) -> tuple[gpd.GeoDataFrame, Tally]:
    """Return the buurten of Zwolle with their figures, each with its year, as table ``buurt``.

    Parameters
    ----------
    path : Path
        GeoJSON with polygons, ``BRTNR`` and ``OMSCHR``.
    klimaat, cijfers : Path or None
        Workbook of Klimaatmonitor (energy, households) and of cijfersoverzwolle (homes, inhabitants).

    Returns
    -------
    buurten : GeoDataFrame
        Table ``buurt``; energy per home is the total over the homes [m3/home/year], [kWh/home/year].
    tally : Tally
        Buurten in, kept and left out; rows of the workbooks without a polygon are noted [1].

    Raises
    ------
    FormatError
        If a file has another shape.
    CrsError
        If the coordinates are not RD New.
    """
    with reading(path, "a file of polygons with BRTNR and OMSCHR"):
        raw = read_vector(path)
        sieve = Sieve(raw[["BRTNR", "OMSCHR", "geometry"]])
    read = to_number(sieve.frame["BRTNR"], where=f"{path.name}, BRTNR")
    whole = read.between(1, 999) & (read % 1 == 0)
    number = read.where(whole, 0).astype("int64").astype("str").str.zfill(3)
    code = "BU" + MUNICIPALITY[0][2:] + number + "0"
    wijk = "WK" + MUNICIPALITY[0][2:] + number.str[:2]
    sieve.frame = sieve.frame.assign(buurtcode=code, wijkcode=wijk)
    sieve.drop(~whole, "buurt number of other than three digits")
    sieve.drop(sieve.frame["buurtcode"].duplicated(), "same buurt number twice")
    sieve.polygons(path.name)
    _add(sieve, *_figures(sieve, klimaat, cijfers))
    return sieve.table("buurt", path)


def _figures(
    sieve: Sieve, klimaat: Path | None, cijfers: Path | None
) -> tuple[dict[str, pd.Series[Any]], dict[str, int]]:
    keys = sieve.frame["OMSCHR"].map(_key)
    figures: dict[str, pd.Series[Any]] = {}
    years: dict[str, int] = {}
    for workbook, form in ((cijfers, "cijfersoverzwolle"), (klimaat, "klimaatmonitor")):
        if workbook is None:
            continue
        table, year = _read_workbook(workbook, form)
        double = table.index.duplicated(keep=False)
        sieve.note(f"{form}: buurt in several rows, none of them used", double.sum())
        table = table[~double]
        sieve.note(f"{form}: buurt without figures", (~keys.isin(table.index)).sum())
        sieve.note(f"{form}: figures without polygon", (~table.index.isin(keys)).sum())
        own = {name: table[name].reindex(keys).set_axis(keys.index) for name in table.columns}
        years |= dict.fromkeys(own, year)
        figures |= own
    _derive(figures, years)
    return figures, years


def _derive(figures: dict[str, pd.Series[Any]], years: dict[str, int]) -> None:
    homes = figures.get("homes_stock", figures.get("households"))
    totals = (("gas_million_m3", "gas_use_m3_per_home"), ("electricity_gwh", "electricity_use_kwh_per_home"))
    for total, name in totals:
        if total in figures and homes is not None:
            value = figures[total]
            fine = (value * MOST_ROUNDING_FRAC >= HALF_STEP) & (homes > 0)
            figures[name] = (value * _MILLION / homes).where(fine)
            years[name] = years[total]
    if "age_65_plus" in figures:
        people = figures["inhabitants"]
        figures["age_65_plus_frac"] = (figures["age_65_plus"] / people).where(people > 0)
        years["age_65_plus_frac"] = years["age_65_plus"]
    for share, name in (("solar_frac", "homes_with_solar_pct"), ("age_65_plus_frac", "age_65_plus_pct")):
        if share in figures:
            figures[name], years[name] = figures[share] * _PERCENT, years[share]


def _read_workbook(path: Path, form: str) -> tuple[pd.DataFrame, int]:
    with reading(path, "a workbook with a title and one row per buurt"):
        rows = [cells for _, cells in read_table(path, []).rows]
        title = _TITLE.match(rows[0][0])
        if title is None:
            raise FormatError(
                "the title 'Thema's - <year> - Buurten'",
                found=rows[0][0],
                where=path.name,
                remedy="export the workbook again from the publisher's site",
            )
        heads = rows[1]
        body = [row for row in takewhile(any, rows[2:]) if row[0]]  # signs and sources stand below a blank row
    raw = pd.DataFrame(body, columns=["buurt", *heads[1:]], dtype="object")
    table = to_our_names(raw, "buurt_figures", form=form, where=path.name)
    numbers = {name: to_number(table[name], where=f"{path.name}, {name}") for name in table.columns}
    return pd.DataFrame(numbers).set_index(raw["buurt"].map(_key)), int(title.group(1))


def _key(name: object) -> str:
    bare = re.sub(r"[\s-]+", "", str(name).casefold())
    return ALIASES.get(bare, bare)


def _add(sieve: Sieve, figures: dict[str, pd.Series[Any]], years: dict[str, int]) -> None:
    columns = schemas.get("buurt").columns
    frame = sieve.frame.assign(
        buurtnaam=to_text(sieve.frame["OMSCHR"]), gemeentecode=MUNICIPALITY[0], gemeentenaam=MUNICIPALITY[1], water=None
    )
    sieve.frame = frame
    for name in [one for one in columns if f"{one}_year" in columns]:
        frame[name] = figures[name].to_numpy() if name in figures else None
        sieve.blank_outside(name)
        frame[f"{name}_year"] = pd.Series(float(years.get(name, 0)), index=frame.index).where(frame[name].notna())
        sieve.note(f"{name} unknown", frame[name].isna().sum())
