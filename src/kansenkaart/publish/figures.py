"""The figures of each place, once: map, tool, factsheet, overview, report, workbook and release print from these.

What an enterprise brings is that of one named track, the same for all places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.core.enterprise.tracks import HEADLINE
from kansenkaart.tables import fields
from kansenkaart.tables.store import Store

#: How the columns of an amount end: expected, 10th, 50th and 90th percentile of the same draws; forms print them in this order.
ENDS = ("", "_low", "_median", "_high")
#: What places show of their case, beside their own figures.
_OF_CASE = (
    *(f"stays_eur_per_year{end}" for end in ENDS),
    "household_eur_per_year",
    "enterprise_eur_per_year",
    "roof_owner_eur_per_year",
    "municipality_eur_per_year",
    "earns_keep_frac",
)
_OF_BLOCK = ("stays_part_eur_per_year",)
MOST_EQUAL = 5
_HALF = 0.5


def headline_cases(cases: pd.DataFrame) -> pd.DataFrame:
    """Keep of every place the case on the track on which places are compared; it takes no large owner for granted.

    Parameters
    ----------
    cases : DataFrame
        Rows of ``enterprise_case``.
    """
    return cases[cases["track"].astype(str) == HEADLINE]


def case_of(store: Store, kind: str, key: str, track: str = HEADLINE) -> pd.Series[Any] | None:
    """Return the enterprise's case of a place; None where there is none.

    Parameters
    ----------
    store : Store
        Scored tables.
    kind, key : str
        ``buurt``, ``gebied`` or ``best``, and its id.
    track : str
        ``long``, on which places are compared, or ``short``.
    """
    if not store.has("enterprise_case"):
        return None
    frame = store.read("enterprise_case")
    mine = frame[
        (frame["place_kind"] == kind) & (frame["place_id"].astype(str) == key) & (frame["track"].astype(str) == track)
    ]
    return None if mine.empty else mine.iloc[0]


def with_case(store: Store, frame: gpd.GeoDataFrame, kind: str, key: str) -> gpd.GeoDataFrame:
    """Return places with what is expected to stay there.

    Parameters
    ----------
    store : Store
        Scored tables.
    frame : GeoDataFrame
        Rows of ``buurt_score``, ``gebied`` or ``best_area``.
    kind, key : str
        Kind of place, and the column of its id.
    """
    ids, out = frame[key].astype(str), frame.copy()
    if store.has("enterprise_case"):
        cases = headline_cases(store.read("enterprise_case"))
        mine = cases[cases["place_kind"] == kind].set_index("place_id")
        for name in _OF_CASE:
            out[name] = ids.map(mine[name]).astype(float)
        if store.has("block_facts"):  # the same quantity as of blocks, to compare with them
            out["stays_part_eur_per_year"] = out["stays_eur_per_year"] - _fixed(store)
    return out


def _fixed(store: Store) -> float:
    """Return the constant that comes to the sum of the blocks of any area [EUR/year]."""
    return float(store.read("block_facts")["stays_fixed_eur_per_year"].iloc[0])


def with_parts(store: Store, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return blocks with their part in what stays, before the fixed costs.

    Parameters
    ----------
    store : Store
        Scored tables.
    frame : GeoDataFrame
        Rows of ``block``.
    """
    if not store.has("block_facts"):
        return frame
    facts = store.read("block_facts").set_index("block_id")
    out = frame.assign(**{name: frame["block_id"].map(facts[name]).astype(float) for name in _OF_BLOCK})
    return gpd.GeoDataFrame(out)


@dataclass(frozen=True)
class Verdict:
    """What may be said of the best place of a study: whether it earns its keep, and which places are equal to it.

    Parameters
    ----------
    earns : bool
        Whether the expected amount is above nothing and the enterprise pays in at least half of the draws.
    around_zero : bool
        Whether the interval of 80 % holds 0.
    equal : tuple of str
        Names of the places, the best first, whose intervals overlap with its own.
    """

    earns: bool
    around_zero: bool
    equal: tuple[str, ...]


def verdict_of(rows: pd.DataFrame, name: str) -> Verdict:
    """Judge places that are in order, the best first.

    Parameters
    ----------
    rows : DataFrame
        With ``stays_eur_per_year``, its interval [EUR/year] and ``earns_keep_frac`` [1].
    name : str
        Column with their names.
    """
    first = rows.iloc[0]
    low, high = float(first["stays_eur_per_year_low"]), float(first["stays_eur_per_year_high"])
    near = rows.head(MOST_EQUAL)
    equal = near[near["stays_eur_per_year_high"].astype(float) >= low]
    earns = float(first["stays_eur_per_year"]) > 0 and float(first["earns_keep_frac"]) >= _HALF
    return Verdict(earns, low <= 0 <= high, tuple(equal[name].astype(str)))


def unique_names(names: Sequence[str]) -> list[str]:
    """Return names that differ: those that stand twice get a number.

    Parameters
    ----------
    names : sequence of str
        As they are.
    """
    series = pd.Series(list(names), dtype="object")
    twice, number = series.duplicated(keep=False), series.groupby(series).cumcount() + 1
    return [str(one) for one in np.where(twice, series + ", deel " + number.astype(str), series)]


def mean_of(group: pd.DataFrame, name: str) -> float | None:
    """Return a sum per home, or a mean weighed by homes, over the rows where both are known; None where none are.

    Parameters
    ----------
    group : DataFrame
        Rows with `homes` [1].
    name : str
        Of the column; its row in the dictionary says whether it is a sum per home.
    """
    if name not in group.columns or "homes" not in group.columns:
        return None
    values, homes = group[name].astype("Float64"), group["homes"].astype("Float64")
    both = values.notna() & homes.notna() & (homes > 0)
    if not both.any():
        return None
    total = values[both].sum() if fields.get(name).per_home else (values[both] * homes[both]).sum()
    return float(total / homes[both].sum())
