"""A place beside its buurt, wijk and gemeente: sums per home and means weighed by homes, said with their units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from kansenkaart import fields
from kansenkaart.present.factsheet import Compared
from kansenkaart.stages.legend import unit_nl
from kansenkaart.stages.words import number

#: What is compared with the surroundings: sums per home, and figures of CBS weighed by homes.
_PER_HOME = ("value_eur_per_year", "water_eur_per_year", "yield_pay_kwh_per_year", "yield_fit_kwh_per_year", "sun_kwh_per_year",
             "grey_water_m3_per_year", "people")  # fmt: skip
_WEIGHED = ("gas_use_m3_per_home", "electricity_use_kwh_per_home", "corporation_pct", "homes_with_solar_pct")
_WIJK = slice(2, 8)
_GEMEENTE = slice(2, 6)


def said(name: str, value: Any) -> str:
    """Say a figure with its unit; shares of one as percentages."""
    if value is None or pd.isna(value):
        return "onbekend"
    if name.endswith("_frac"):
        return f"{number(100 * float(value))}%"
    unit = unit_nl(fields.get(name).unit).replace("m2", "m²").replace("m3", "m³").replace("/", " per ")
    value = float(value)
    return f"{number(value, 0 if abs(value) >= 100 or value == int(value) else 1)} {unit}".strip()


def label_of(name: str) -> str:
    """Name a figure, with a capital."""
    label = fields.get(name).label_nl
    return label[:1].upper() + label[1:]


def beside(
    row: pd.Series[Any], buurten: gpd.GeoDataFrame | None, units: gpd.GeoDataFrame | None
) -> tuple[tuple[str, ...], tuple[Compared, ...]]:
    """Compare a place with its buurt, wijk and gemeente, as far as their buurten are in the study.

    Parameters
    ----------
    row : Series
        The place, with `homes` [1] and its figures.
    buurten, units : GeoDataFrame or None
        Buurten with their figures, and blocks with their buurtcode: sums that buurten lack are taken from the blocks.

    Returns
    -------
    tuple of tuple of str and tuple of Compared
        The columns and the rows.
    """
    if buurten is None:
        return ("hier",), _rows([row.to_frame().T], [None])
    codes = buurten["buurtcode"].astype(str)
    mine = buurt_of(buurten, row)
    groups, names, blocks = [row.to_frame().T], ["hier"], [_within(units, {mine}) if "buurtnaam" in row else None]
    if not isinstance(row.get("buurtnaam"), str):
        groups.append(buurten[codes == mine])
        blocks.append(_within(units, {mine}))
        names.append(f"buurt {buurten.loc[codes == mine, 'buurtnaam'].iloc[0]}")
    for word, part in (("wijk", _WIJK), ("gemeente", _GEMEENTE)):
        same = buurten[codes.str[part] == mine[part]]
        groups.append(same)
        blocks.append(_within(units, set(same["buurtcode"].astype(str))))
        names.append(f"{word} ({len(same)} {'buurt' if len(same) == 1 else 'buurten'} in de studie)")
    return tuple(names), _rows(groups, blocks)


def _within(units: gpd.GeoDataFrame | None, codes: set[str]) -> pd.DataFrame | None:
    return None if units is None else units[units["buurtcode"].astype(str).isin(codes)]


def buurt_of(buurten: gpd.GeoDataFrame, row: pd.Series[Any]) -> str:
    """Return the code of the buurt that a place is, or of which it holds the most."""
    if isinstance(row.get("buurtcode"), str):
        return str(row["buurtcode"])
    shape = row["geometry"]
    shared = shapely.area(shapely.intersection(buurten.geometry.to_numpy(), shape))
    return str(buurten["buurtcode"].iloc[int(np.argmax(shared))])


def _rows(groups: Sequence[pd.DataFrame], blocks: Sequence[pd.DataFrame | None]) -> tuple[Compared, ...]:
    out = []
    for name in (*_PER_HOME, *_WEIGHED):
        values = [_known(group, part, name) for group, part in zip(groups, blocks, strict=True)]
        if any(value is not None for value in values):
            texts = tuple("onbekend" if one is None else said(name, one) for one in values)
            out.append(Compared(label_of(name) + (" per woning" if name in _PER_HOME else ""), texts))
    return tuple(out)


def _known(group: pd.DataFrame, blocks: pd.DataFrame | None, name: str) -> float | None:
    if name in group.columns or blocks is None:
        return mean_of(group, name)
    return mean_of(blocks, name)


def mean_of(group: pd.DataFrame, name: str) -> float | None:
    """Return a sum per home, or a mean weighed by homes, over the rows where both are known; None where none are."""
    if name not in group.columns or "homes" not in group.columns:
        return None
    values, homes = group[name].astype("Float64"), group["homes"].astype("Float64")
    both = values.notna() & homes.notna() & (homes > 0)
    if not both.any():
        return None
    total = values[both].sum() if name in _PER_HOME else (values[both] * homes[both]).sum()
    return float(total / homes[both].sum())
