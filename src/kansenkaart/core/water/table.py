"""One row per street: water, pipe, money, time, both scores, reasons and the sum in four lines."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.core.water.arrays import Floats, Objects
from kansenkaart.core.water.costs import grey_cost, mixed_drains, present_value, yearly_value
from kansenkaart.core.water.decoupling import grey_reason, rain_reason, streets_of_pipes
from kansenkaart.core.water.demand import MONTHS, Balance, balance, indoor_demand, monthly
from kansenkaart.core.water.inputs import WaterSettings
from kansenkaart.core.water.sentences import (
    cleansing_sentence,
    four_lines,
    grey_sentence,
    participation_line,
    rain_sentence,
)
from kansenkaart.errors import SchemaError

GREY, RAIN = "grijswater", "hemelwater"
_COLUMNS = ["score", "criterion", "unit", "low", "high", "points", "weight", "label_nl", "rule_nl"]
_CLASS = "class"


def check_classes(table: pd.DataFrame) -> None:
    """Refuse a class table with gaps, overlaps or changing weights.

    Parameters
    ----------
    table : DataFrame
        Rows of `water_classes.csv`: bounds low <= value < high; empty bounds are open.

    Raises
    ------
    SchemaError
        Naming the first criterion that does not tile its range.
    """
    if missing := [name for name in _COLUMNS if name not in table.columns]:
        raise SchemaError(f"columns {_COLUMNS}", found=f"no {missing}", where="water_classes")
    for key, rows in table.groupby(["score", "criterion"], sort=False):
        low, high = _bounds(rows)
        tiles = np.isneginf(low[0]) and np.isposinf(high[-1]) and (low[1:] == high[:-1]).all() and (low < high).all()
        if not tiles or len(set(rows["weight"])) != 1:
            raise SchemaError("classes that tile the range, one weight", found=str(key), where="water_classes")


def _bounds(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    low = pd.to_numeric(rows["low"]).to_numpy(dtype=float, copy=True)
    high = pd.to_numeric(rows["high"]).to_numpy(dtype=float, copy=True)
    low[np.isnan(low)], high[np.isnan(high)] = -np.inf, np.inf
    return low, high


def points_for(values: pd.Series, *, rows: pd.DataFrame) -> pd.Series:
    """Points [1] of one criterion; unknown stays unknown.

    Parameters
    ----------
    values : Series
        Criterion, in the unit of the rows.
    rows : DataFrame
        Classes of this criterion.
    """
    low, _ = _bounds(rows)
    number = values.to_numpy(dtype=float, na_value=np.nan)
    place = np.clip(np.searchsorted(low, number, side="right") - 1, 0, len(low) - 1)
    points = rows["points"].to_numpy(dtype=float)[place]
    return pd.Series(np.where(np.isnan(number), np.nan, points), index=values.index)


def score_by_classes(street: pd.DataFrame, *, table: pd.DataFrame, score: str, known_min: float = 0.5) -> pd.DataFrame:
    """Weighed mean of the points [0-100] and its class; unknown where less than a share of the weight is known.

    Parameters
    ----------
    street : DataFrame
        One column per criterion.
    table : DataFrame
        Rows of `water_classes.csv`, checked.
    score : str
        `grijswater` or `hemelwater`; never one word for both.
    known_min : float
        Least known share of the weights [1].

    Returns
    -------
    DataFrame
        `score` [0-100], `class` (A best), `known_frac` [1].
    """
    own = table[(table["score"] == score) & (table["criterion"] != _CLASS)]
    total = pd.Series(0.0, index=street.index)
    weighed, weights = total.copy(), 0.0
    for criterion, rows in own.groupby("criterion", sort=False):
        weight = float(rows["weight"].iloc[0])
        points = points_for(street[str(criterion)], rows=rows)
        total += points.fillna(0.0) * weight
        weighed += points.notna() * weight
        weights += weight
    value = (total / weighed.where(weighed > 0)).where(weighed >= known_min * weights)
    return pd.DataFrame(
        {"score": value, "class": classes_of(value, table=table, score=score), "known_frac": weighed / weights}
    )


def classes_of(value: pd.Series, *, table: pd.DataFrame, score: str) -> Objects:
    """Class letter of a score [0-100]; None where unknown.

    Parameters
    ----------
    value : Series
        Score [0-100].
    table : DataFrame
        Rows of `water_classes.csv`.
    score : str
        `grijswater` or `hemelwater`.
    """
    rows = table[(table["score"] == score) & (table["criterion"] == _CLASS)]
    low, _ = _bounds(rows)
    number = value.to_numpy(dtype=float)
    place = np.clip(np.searchsorted(low, number, side="right") - 1, 0, len(low) - 1)
    letters = rows["label_nl"].to_numpy(dtype=object)[place].copy()
    letters[np.isnan(number)] = None
    return np.asarray(letters, dtype=object)


_PUBLIC = ("road", "bare")
_MM_PER_M = 1000.0
_MONEY = ("drinking_water_eur_per_year", "yearly_eur", "cost_grey_eur", "cost_rain_eur")


def street_table(
    street: gpd.GeoDataFrame,
    *,
    home: pd.DataFrame,
    surface: pd.DataFrame,
    pipe: gpd.GeoDataFrame,
    garden_mm: Floats,
    settings: WaterSettings,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Bring homes, surfaces and pipes together per street and score grey water and rain water apart.

    Parameters
    ----------
    street : GeoDataFrame
        From `build_streets`, with `street_rule`: the rule on discharge where no homes are.
    home : DataFrame
        Homes with `street_id`, `people`, `bouwjaar`, `discharge_rule`.
    surface : DataFrame
        From `assign_surfaces`; empty without BGT.
    pipe : GeoDataFrame
        From `sewer_results`.
    garden_mm : array
        Garden water per month [mm/month].
    settings : WaterSettings
        Uses, prices, class tables.

    Returns
    -------
    tuple of GeoDataFrame and DataFrame
        Streets; and per street and month [m3]: `grey_m3`, `toilet_m3`, `washing_m3`, `garden_m3`, `green_m3`,
        `overflow_m3`, `stored_m3` (at the end of the month).
    """
    base = street.set_index("street_id").join(_homes(home))
    counted = ["homes", "people", "grey_water_m3_per_year", "mixed_homes"]
    base[counted] = base[counted].fillna(0.0)  # no homes: nothing, and that is known
    base = base.join(streets_of_pipes(pipe))
    table = base.join(_areas(surface, home, base, settings))
    table["discharge_rule"] = table["discharge_rule"].fillna(table["street_rule"])
    kept = _add_water(table, garden_mm, settings)
    _add_money(table, settings)
    _add_spans(table, base, surface, home, settings)
    _add_criteria(table, settings)
    for name, score in (("grey", GREY), ("rain", RAIN)):
        scored = score_by_classes(table, table=settings.classes, score=score)
        table[f"score_{name}"], table[f"class_{name}"] = scored["score"], scored["class"]
        table[f"known_frac_{name}"] = scored["known_frac"]
    _blank_scores(table)
    table["sewer_basis"] = pipe["basis"].iloc[0] if len(pipe) else "none"
    _add_words(table)
    table["overflow_m3_per_year"] = kept.overflow.sum(axis=1)
    return gpd.GeoDataFrame(table.reset_index(), geometry="geometry", crs=street.crs), _months(table.index, kept)


def _months(street_id: pd.Index[Any], kept: Balance) -> pd.DataFrame:
    """Twelve rows per street [m3]; grey water + store before = used + overflow + store after."""
    change = kept.supply - kept.reused - kept.overflow
    columns = {"grey": kept.supply, **kept.used, "overflow": kept.overflow}
    columns["stored"] = np.maximum(kept.stored_start[:, None] + change.cumsum(axis=1), 0.0)
    out = {f"{name}_m3": values.ravel() for name, values in columns.items()}
    months = np.tile(np.arange(1, MONTHS + 1), len(street_id))
    return pd.DataFrame({"street_id": np.repeat(street_id.to_numpy(), MONTHS), "month": months, **out})


def _homes(home: pd.DataFrame) -> pd.DataFrame:
    own = home[home["street_id"].notna()].assign(mixed=lambda part: mixed_drains(part["bouwjaar"]))
    table = own.groupby("street_id").agg(
        homes=("home_id", "size"),
        people=("people", "sum"),
        grey_water_m3_per_year=("grey_water_m3_per_year", "sum"),
        mixed_homes=("mixed", "sum"),
        bouwjaar=("bouwjaar", "median"),
    )
    ranks = own["discharge_rule"].map({"maatwerk": 2, "unknown": 1, "free": 0})
    worst = ranks.groupby(own["street_id"]).max()
    table["discharge_rule"] = worst.map({2: "maatwerk", 1: "unknown", 0: "free"})
    return table


def _areas(surface: pd.DataFrame, home: pd.DataFrame, street: pd.DataFrame, settings: WaterSettings) -> pd.DataFrame:
    """Paved area to the sewer, public share of it, gardens and public green by street."""
    if surface.empty:
        homes = home.groupby("street_id").size().reindex(street.index).fillna(0.0)
        return pd.DataFrame(
            {
                "paved_sewer_m2": homes * settings.paved_m2_per_home,
                "public_paved_frac": np.nan,
                "garden_m2": homes * settings.garden_m2_per_home,
                "green_m2": 0.0,
                "area_basis": "per home",
            }
        )
    own = surface[surface["street_id"].notna()].astype({"paved_m2": float, "area_m2": float})
    drained = own[own["drains_to"] == "sewer"]
    paved = drained.groupby("street_id")["paved_m2"].sum()
    public = drained[drained["kind"].isin(_PUBLIC)].groupby("street_id")["paved_m2"].sum()
    soft = own.assign(soft_m2=own["area_m2"] - own["paved_m2"])
    table = pd.DataFrame({"paved_sewer_m2": paved.reindex(street.index).fillna(0.0)})
    table["public_paved_frac"] = public.reindex(street.index).fillna(0.0) / paved.reindex(street.index)
    for name, kind in (("garden_m2", "yard"), ("green_m2", "green")):
        part = soft[soft["kind"] == kind].groupby("street_id")["soft_m2"].sum()
        table[name] = part.reindex(street.index).fillna(0.0)
    return table.assign(area_basis="bgt")


def _add_water(table: pd.DataFrame, garden_mm: Floats, settings: WaterSettings) -> Balance:
    people, uses = table["people"].to_numpy(dtype=float), settings.uses
    supply = monthly(table["grey_water_m3_per_year"] * settings.use_factor)
    demands = {
        "toilet": indoor_demand(people, l_per_person_day=uses.toilet),
        "washing": indoor_demand(people, l_per_person_day=uses.washing_machine),
        "garden": table["garden_m2"].to_numpy(dtype=float)[:, None] * garden_mm[None, :] / _MM_PER_M,
        "green": table["green_m2"].to_numpy(dtype=float)[:, None] * garden_mm[None, :] / _MM_PER_M,
    }
    store = table["homes"].to_numpy(dtype=float) * settings.store_m3_per_home
    kept = balance(supply, demands=demands, store_m3=store, participation=settings.participation)
    for name, used in kept.used.items():
        table[f"used_{name}_m3_per_year"] = used.sum(axis=1)
    table["reused_m3_per_year"] = kept.reused.sum(axis=1)
    # What overflows stays in the sewer: the law forbids discharge into the soil near one. So kept out is what is used.
    table["kept_out_m3_per_year"] = table["reused_m3_per_year"]
    return kept


def _add_money(table: pd.DataFrame, settings: WaterSettings) -> None:
    prices = settings.prices
    yearly = yearly_value(table["reused_m3_per_year"], kept_out_m3=table["kept_out_m3_per_year"], prices=prices)
    for name, amount in yearly.items():
        table[name] = amount
    table["yearly_eur"] = sum(yearly.values())
    part = settings.participation
    table["cost_grey_eur"] = grey_cost(
        table["homes"] * part, mixed_drain_homes=table["mixed_homes"] * part, prices=prices
    )
    off = settings.design.rain_off_max_frac * part
    table["cost_rain_eur"] = table["paved_sewer_m2"] * off * prices.rain_off_eur_per_m2
    # Taken off when the sewer is replaced: worth of that year's cost now, as the saving is.
    table["cost_rain_eur"] = present_value(table["cost_rain_eur"], year=table["replacement_year"], prices=prices)
    table.loc[table["rain_system"].ne("gemengd").fillna(True), "cost_rain_eur"] = 0.0
    saved = table["saving_grey_off_eur"].fillna(0.0)
    table["net_grey_eur"] = table["yearly_eur"] * prices.annuity_factor + saved - table["cost_grey_eur"]
    table["net_basis"] = np.where(table["saving_grey_off_eur"].isna(), "without pipe: unknown", "whole")
    table["price_year"] = prices.price_year


def _add_spans(
    table: pd.DataFrame, base: pd.DataFrame, surface: pd.DataFrame, home: pd.DataFrame, settings: WaterSettings
) -> None:
    """Low and high of every amount: all figures at one end together, so outer bounds, not a likelihood."""
    sides, worths = [table[list(_MONEY)]], [table["yearly_eur"] * settings.prices.annuity_factor]
    for bound in settings.bounds:
        other = settings.at(bound)
        side = base.join(_areas(_repaved(surface, bound.yard_paved_frac), home, base, other))
        _add_water(side, bound.garden_mm, other)
        _add_money(side, other)
        sides.append(side[list(_MONEY)])
        worths.append(side["yearly_eur"] * other.prices.annuity_factor)
    cube = np.stack([side.to_numpy(dtype=float) for side in sides])
    for end, taken in (("low", cube.min(axis=0)), ("high", cube.max(axis=0))):
        for position, name in enumerate(_MONEY):
            table[f"{name}_{end}"] = taken[:, position]
    worth = np.stack([one.to_numpy(dtype=float) for one in worths])
    saved = {end: table[f"saving_grey_off_eur_{end}"].fillna(0.0) for end in ("low", "high")}
    table["net_grey_eur_low"] = worth.min(axis=0) + saved["low"] - table["cost_grey_eur_high"]
    table["net_grey_eur_high"] = worth.max(axis=0) + saved["high"] - table["cost_grey_eur_low"]


def _repaved(surface: pd.DataFrame, yard_paved_frac: float) -> pd.DataFrame:
    if surface.empty:
        return surface
    yard = surface["kind"] == "yard"
    return surface.assign(paved_m2=surface["paved_m2"].mask(yard, surface["area_m2"].astype(float) * yard_paved_frac))


def _add_criteria(table: pd.DataFrame, settings: WaterSettings) -> None:
    homes = table["homes"].where(table["homes"] > 0).astype(float)
    table["reused_m3_per_home_year"] = table["reused_m3_per_year"] / homes
    table["saving_grey_eur_per_home"] = table["saving_grey_off_eur"] / homes
    table["years_to_replacement"] = table["replacement_year"] - settings.prices.year_now
    table["separate_drains_frac"] = 1 - table["mixed_homes"] / homes
    length = table["length_m"].where(table["length_m"] > 0)
    combined = table["rain_system"].eq("gemengd").fillna(False)
    paved = (table["paved_sewer_m2"] / length).where(combined, 0.0)
    table["paved_on_combined_m2_per_m"] = paved.where(table["rain_system"].notna())
    table["saving_rain_eur_per_m"] = table["saving_rain_off_eur"] / length


def _blank_scores(table: pd.DataFrame) -> None:
    """No score where there is nothing to score: no homes for grey water, rain already apart for rain water."""
    table["reason_grey"], table["reason_rain"] = grey_reason(table), rain_reason(table)
    for name, codes in (("grey", ("no_homes",)), ("rain", ("already_separate", "no_sewer"))):
        none = table[f"reason_{name}"].isin(codes)
        table.loc[none, f"score_{name}"] = np.nan
        table.loc[none, f"class_{name}"] = None


def _add_words(table: pd.DataFrame) -> None:
    rows: list[dict[str, Any]] = [dict(zip(table.columns, row, strict=True)) for row in table.itertuples(index=False)]
    table["sentence_grey_nl"] = [grey_sentence(row) for row in rows]
    table["sentence_rain_nl"] = [rain_sentence(row) for row in rows]
    table["cleansing_nl"] = [cleansing_sentence(row) for row in rows]
    table["participation_nl"] = [participation_line(row) for row in rows]
    table["sum_nl"] = ["\n".join(four_lines(row)) for row in rows]
