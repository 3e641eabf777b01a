"""Reads buurten with their figures from the files of CBS wijken en buurten.

Formats: ``pdok-snake`` (OGC API Features and GeoPackage, 2022 and later), ``pdok-2026`` (areas without figures), ``cbs-shp``
(the shapefile of CBS's own download: BU_CODE, AANT_INW, ...) and ``wfs-2021-shp`` (the WFS of 2021 saved as a shapefile,
whose 207 camelCase names were cut to ten characters and made unique by number, in the order of the service).

References
----------
.. [1] CBS, Toelichting Wijk- en Buurtkaart 2020, 2021 en 2022 (field names, units, missing codes).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.config import packaged_rows
from kansenkaart.errors import ConfigError, FormatError
from kansenkaart.sources.tools.cleaning import Sieve
from kansenkaart.sources.tools.layers import open_layer
from kansenkaart.sources.tools.rawnames import raw_names, to_our_names, to_text
from kansenkaart.tables import schemas
from kansenkaart.tables.provenance import Tally

#: Where a few names must stand in the order of the 2021 service, so that the numbered names mean what we say [1]_.
ORDER_2021 = {
    "aantalInwo": 12,
    "woningvoor": 49,
    "percenta22": 54,
    "gemiddeldG": 62,
    "gemiddel_9": 70,
    "gemiddel15": 87,
}
COLUMNS_2021 = 207
#: Names of the layer in the deliveries.
LAYERS = ("buurten", "cbs_buurten", "buurt")
#: Owner-occupied and rented shares add up to 100 %, but for homes of unknown ownership and rounding [%].
OWNERSHIP_SUM_PCT = (50.0, 102.0)
#: CBS gives letters too since 2025: BU, the municipality's four digits and four digits or letters.
_CODE = re.compile(r"BU\d{4}[0-9A-Z]{4}")
_YEAR = r"(?:19|20)\d{2}"
_NAMED, _CODE_DIGITS = 5, 8
_THOUSAND_EUR = ("income_per_inhabitant_eur", "home_value_eur")
_EUR_PER_THOUSAND = 1000.0
#: What people call two municipalities, and CBS does not.
_ALSO = {"den haag": "gm0518", "den bosch": "gm0796"}
#: How much a name must be like that of a municipality to be taken for a slip of the pen (a guess).
_LIKE = 0.85


def figure_names() -> list[str]:
    """Return the figures of table ``buurt``: the columns that have a year beside them."""
    columns = schemas.get("buurt").columns
    return [name for name in columns if f"{name}_year" in columns]


def read_buurt(
    path: Path, *, form: str = "pdok-snake", layer: str | None = None, year: int | None = None
) -> tuple[gpd.GeoDataFrame, Tally]:
    """Return buurten with their figures, each figure with its year, as table ``buurt``.

    Parameters
    ----------
    path : Path
        File as published.
    form : str
        ``pdok-snake``, ``pdok-2026``, ``cbs-shp`` or ``wfs-2021-shp``.
    layer : str or None
        Layer ``buurten`` where the file has one of that name, otherwise its only layer.
    year : int or None
        Year of the figures; None takes it from the file's column ``jaar`` or ``jrstatcode`` [year].

    Returns
    -------
    buurten : GeoDataFrame
        Table ``buurt``; unknown figures are NaN and have no year.
    tally : Tally
        Buurten in, kept and left out [1].

    Raises
    ------
    FormatError
        If columns are missing, in another order than their format has, implausible, or without a year.
    CrsError
        If the coordinates are not RD New.
    """
    raw_names("buurt", form)
    raw = open_layer(path, "a file of CBS buurten", layer=layer, likely=LAYERS)
    if form == "wfs-2021-shp":
        _require_order(raw, path)
    sieve = Sieve(to_our_names(raw, "buurt", form=form, where=path.name))
    codes = sieve.frame["buurtcode"] = _codes(sieve)
    sieve.drop(
        ~codes.fillna("").map(lambda one: bool(_CODE.fullmatch(one))).astype(bool),
        "buurtcode is not BU and 8 digits or letters",
    )
    sieve.drop_doubles("buurtcode", "same buurtcode twice")
    sieve.polygons(path.name)
    _to_figures(sieve, path)
    if form == "pdok-2026":
        sieve.note("areas without figures: those come from the role statistics, by code", len(sieve.frame))
    _add_years(sieve.frame, path, year)
    _finish(sieve)
    return sieve.table("buurt", path)


def _codes(sieve: Sieve) -> pd.Series[Any]:
    """Return codes as CBS writes them: BU before eight digits, and the zero that a number has lost."""
    codes = to_text(sieve.frame["buurtcode"]).str.upper().str.removesuffix(".0")
    bare = codes.str.fullmatch(r"\d{7,8}").fillna(False).astype(bool)
    sieve.note("buurtcode without BU: read as BU and eight digits", bare.sum())
    return codes.where(~bare, "BU" + codes.str.zfill(_CODE_DIGITS))


def _require_order(raw: pd.DataFrame, path: Path) -> None:
    columns = [str(one).casefold() for one in raw.columns]
    wrong = [name for name, place in ORDER_2021.items() if columns[place : place + 1] != [name.casefold()]]
    if wrong or len(columns) != COLUMNS_2021 + 1:
        raise FormatError(
            f"{COLUMNS_2021} columns in the order of the 2021 service",
            found=f"{len(columns) - 1} columns; not in their place: {wrong}",
            where=path.name,
            remedy="use the GeoPackage or GeoJSON of the same year, whose names are whole (format pdok-snake)",
        )


def _to_figures(sieve: Sieve, path: Path) -> None:
    for name in figure_names():
        sieve.frame[name] = sieve.numbers(name, f"{path.name}, {name}")
        if name in _THOUSAND_EUR:
            sieve.frame[name] *= _EUR_PER_THOUSAND
        sieve.blank_outside(name)
        sieve.note(f"{name} unknown", sieve.frame[name].isna().sum())
    _check_ownership(sieve, path)


def _check_ownership(sieve: Sieve, path: Path) -> None:
    """Make ownership unknown where the shares do not add up; where that is most buurten, the columns are other ones."""
    low, high = OWNERSHIP_SUM_PCT
    total = sieve.frame["owner_occupied_pct"] + sieve.frame["rented_pct"]
    odd = total.notna() & ~total.between(low, high)
    if odd.any() and 2 * odd.sum() > total.notna().sum():
        raise FormatError(
            f"owner-occupied and rented homes that add up to {low:.0f}-{high:.0f} % in most buurten",
            found=f"{total[odd].iloc[0]:.0f} % and {odd.sum() - 1} more of {total.notna().sum()}",
            where=f"{path.name}, {sieve.frame['buurtcode'][odd].iloc[0]}",
            remedy="the columns mean something else than the form says: take the GeoPackage of the same year",
        )
    if odd.any():
        codes = ", ".join(sieve.frame["buurtcode"][odd].head(_NAMED))
        sieve.note(f"owner-occupied and rented do not add up to {low:.0f}-{high:.0f} %, unknown: {codes}", odd.sum())
        sieve.frame.loc[odd, ["owner_occupied_pct", "rented_pct", "corporation_pct"]] = np.nan


def _add_years(frame: pd.DataFrame, path: Path, year: int | None) -> None:
    stated = to_text(frame["year"]).str.extract(rf"^({_YEAR})")[0].astype("float64")
    edition = pd.Series(float(year), index=frame.index) if year is not None else stated
    if edition.isna().any():
        raise FormatError(
            "the year of the figures",
            found="no column jaar or jrstatcode, and no year given",
            where=path.name,
            remedy="state the year of this edition in the study file",
        )
    for name in figure_names():
        frame[f"{name}_year"] = edition.where(frame[name].notna())


def _finish(sieve: Sieve) -> None:
    frame = sieve.frame
    texts = {
        name: to_text(frame[name]) for name in ("buurtcode", "buurtnaam", "wijkcode", "gemeentecode", "gemeentenaam")
    }
    sieve.note("buurtnaam unknown: its code instead", texts["buurtnaam"].isna().sum())
    texts["buurtnaam"] = texts["buurtnaam"].fillna(texts["buurtcode"])
    water = to_text(frame["water"]).str.upper().map({"JA": True, "NEE": False, "TRUE": True, "FALSE": False})
    sieve.note("water only", (water == True).sum())  # noqa: E712
    sieve.frame = frame.assign(**texts, water=water.astype("boolean"))


def wijk_of(buurt: pd.DataFrame) -> pd.Series[Any]:
    """Return the code of the wijk of each buurt: as published, else the digits of its own code.

    Parameters
    ----------
    buurt : DataFrame
        Table ``buurt``.
    """
    named: pd.Series[Any] = buurt["wijkcode"].fillna("WK" + buurt["buurtcode"].str[2:8])
    return named


#: Stands for every municipality of today.
ALL = "alle"


@lru_cache(maxsize=1)
def _municipalities() -> dict[str, str]:
    return {row["gemeentecode"]: row["name"] for row in packaged_rows("gemeenten.csv")}


def merged_into(text: str) -> tuple[str, str, str] | None:
    """Return year, code and name of the municipality that one of before went into, or nothing.

    Parameters
    ----------
    text : str
        Name or code of the one before, such as ``Brielle`` or ``GM0501``; ``data/gemeente_changes.csv`` has those of 2022 and
        2023 (CBS, Gemeentelijke indeling), between the years of statistics that are read; there were none from 2024 to 2026.
    """
    wanted = " ".join(text.split()).casefold()
    for row in packaged_rows("gemeente_changes.csv"):
        if wanted in (row["from_code"].casefold(), row["from_name"].casefold()):
            return row["year"], row["to_code"], _municipalities()[row["to_code"]]
    return None


def municipality(text: str) -> tuple[str, str] | None:
    """Return code and name of a municipality by its name or code, or nothing.

    Parameters
    ----------
    text : str
        Such as ``Zwolle``, ``'s-gravenhage`` or ``GM0193``; ``data/gemeenten.csv`` has the 342 of 2023 to 2026 (CBS 86044NED).
        Wijdemeren is to go into Hilversum on 1 January 2027 (bill sent to parliament on 21 November 2025).

    Raises
    ------
    ConfigError
        If it went into another one.
    """
    if change := merged_into(text):
        year, to_code, to_name = change
        raise ConfigError(
            "a municipality of today",
            found=f"{' '.join(text.split())}: part of {to_name} ({to_code}) since {year}",
            where="data/gemeente_changes.csv",
            remedy=f'kansenkaart nieuw "{to_name}"',
        )
    plain = " ".join(text.split()).casefold()
    wanted = _ALSO.get(plain, plain)
    for code, name in _municipalities().items():
        if wanted in (code.casefold(), name.casefold()):
            return code, name
    return (text.strip().upper(), text.strip().upper()) if re.fullmatch(r"(?i)\s*GM\d{4}\s*", text) else None


def municipality_like(text: str) -> str:
    """Return the municipality of which a name is a slip of the pen, or nothing.

    Parameters
    ----------
    text : str
        Such as ``zwole``; a code of no municipality is like none.
    """
    names = {name.casefold(): name for name in _municipalities().values()}
    return next((names[one] for one in get_close_matches(text.strip().casefold(), names, n=1, cutoff=_LIKE)), "")


def municipality_codes(texts: Sequence[str]) -> list[str]:
    """Return the codes of municipalities by their names or codes, or of all of today.

    Parameters
    ----------
    texts : sequence of str
        As :func:`municipality` takes them; ``alle`` among them means every one of ``data/gemeenten.csv``.

    Raises
    ------
    ConfigError
        If one is no municipality of today, before anything is asked for any of them.
    """
    if ALL in texts:
        return sorted(_municipalities())
    found = {text: municipality(text) for text in texts}
    if strange := [text for text, one in found.items() if one is None]:
        raise ConfigError(
            f"names or codes of municipalities, or {ALL!r}",
            found=", ".join(strange),
            where="codes",
            remedy="write them as CBS does: Zwolle or GM0193",
        )
    return list(dict.fromkeys(one[0] for one in found.values() if one))
