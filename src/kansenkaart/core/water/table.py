"""One row per street: water, pipe, money and time; grey water and rain water apart, each with its class and its reason.

The class says what the interval of the net amount can tell, and nothing finer: it pays (the low end is above nil), it
may pay (nil lies inside), it does not pay. Without what decides, the class is unknown.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.core.water.arrays import Floats, Objects
from kansenkaart.core.water.costs import grey_cost, mixed_drains, present_value, yearly_value
from kansenkaart.core.water.decoupling import grey_reason, rain_reason, streets_of_pipes
from kansenkaart.core.water.demand import L_PER_M3, MONTHS, Balance, balance, indoor_demand, monthly
from kansenkaart.core.water.inputs import WaterSettings

PAYS, MAY_PAY, DOES_NOT_PAY, NOTHING, UNKNOWN = "A", "B", "C", "-", "?"
_MM_PER_M = 1000.0
_MONEY = ("drinking_water_eur_per_year", "yearly_eur", "cost_grey_eur", "cost_rain_eur")


def money_class(low: pd.Series, high: pd.Series) -> Objects:
    """Say what the interval of a net amount can tell: A pays, B may pay (nil lies inside), C does not pay, ? unknown.

    Parameters
    ----------
    low, high : Series
        Ends of the net amount [EUR]; NaN unknown.
    """
    word = np.where(low > 0, PAYS, np.where(high > 0, MAY_PAY, DOES_NOT_PAY)).astype(object)
    word[np.asarray(low.isna() | high.isna(), dtype=bool)] = UNKNOWN
    return np.asarray(word, dtype=object)


def street_table(
    street: gpd.GeoDataFrame,
    *,
    home: pd.DataFrame,
    surface: pd.DataFrame,
    pipe: gpd.GeoDataFrame,
    garden_mm: Floats,
    settings: WaterSettings,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Bring homes, surfaces and pipes together per street; value grey water and rain water apart.

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
        Uses and prices.

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
    _add_reasons(table)
    table["sewer_basis"] = np.where(table.index.isin(pipe["street_id"].dropna()), "gwsw", "none")
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
    ranks = own["discharge_rule"].map({"sewer_near": 2, "unknown": 1, "no_sewer_near": 0})
    worst = ranks.groupby(own["street_id"]).max()
    table["discharge_rule"] = worst.map({2: "sewer_near", 1: "unknown", 0: "no_sewer_near"})
    return table


def _areas(surface: pd.DataFrame, home: pd.DataFrame, street: pd.DataFrame, settings: WaterSettings) -> pd.DataFrame:
    """Paved area to the sewer, gardens and public green by street [m2]."""
    if surface.empty:
        homes = home.groupby("street_id").size().reindex(street.index).fillna(0.0)
        return pd.DataFrame(
            {
                "paved_sewer_m2": homes * settings.paved_m2_per_home,
                "garden_m2": homes * settings.garden_m2_per_home,
                "green_m2": 0.0,
                "area_basis": "per home",
            }
        )
    own = surface[surface["street_id"].notna()].astype({"paved_m2": float, "area_m2": float})
    drained = own[own["drains_to"] == "sewer"]
    paved = drained.groupby("street_id")["paved_m2"].sum()
    soft = own.assign(soft_m2=own["area_m2"] - own["paved_m2"])
    table = pd.DataFrame({"paved_sewer_m2": paved.reindex(street.index).fillna(0.0)})
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
    table["waste_water_m3_per_day"] = people * uses.total / L_PER_M3
    # What overflows is counted as staying in the sewer: whether it may go into the soil is the municipality's to say.
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
    # Only what is on a combined sewer can come off it.
    combined = table["paved_sewer_m2"] * table["combined_frac"].where(table["paved_sewer_m2"] > 0, 0.0)
    table["cost_rain_eur"] = combined * off * prices.rain_off_eur_per_m2
    # Taken off when the sewer is replaced: worth of that year's cost now, as the saving is.
    table["cost_rain_eur"] = present_value(table["cost_rain_eur"], year=table["replacement_year"], prices=prices)
    apart = table["rain_system"].notna() & table["rain_system"].ne("gemengd")
    table.loc[apart, "cost_rain_eur"] = 0.0
    table["price_year"], table["year_now"] = prices.price_year, prices.year_now


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
    worth_of = {"": worth[0], "_low": worth.min(axis=0), "_high": worth.max(axis=0)}
    against = {"": "", "_low": "_high", "_high": "_low"}
    factor = settings.prices.annuity_factor
    apart = table["rain_system"].notna() & table["rain_system"].ne("gemengd")
    for end, far in against.items():
        table[f"net_grey_home_eur{end}"] = worth_of[end] - table[f"cost_grey_eur{far}"]
        table[f"net_grey_eur{end}"] = table[f"net_grey_home_eur{end}"] + table[f"saving_grey_off_eur{end}"]
        net = table[f"saving_rain_off_eur{end}"] - table[f"cost_rain_eur{far}"]
        table[f"net_rain_eur{end}"] = net.mask(apart)
        # Nobody lays what does not pay, nor where nobody lives: then it brings nothing, and it takes nothing from other gains.
        lived = table[f"net_grey_eur{end}"].where(table["homes"] > 0, 0.0)
        table[f"water_eur_per_year{end}"] = lived.clip(lower=0.0) / factor


def _repaved(surface: pd.DataFrame, yard_paved_frac: float) -> pd.DataFrame:
    if surface.empty:
        return surface
    yard = surface["kind"] == "yard"
    return surface.assign(paved_m2=surface["paved_m2"].mask(yard, surface["area_m2"].astype(float) * yard_paved_frac))


def _add_reasons(table: pd.DataFrame) -> None:
    """Say why the sewer gains or not, and what the whole sum can tell; nothing to take off is no class of its own."""
    table["years_to_replacement"] = table["replacement_year"] - table["year_now"]
    table["reason_grey"], table["reason_rain"] = grey_reason(table), rain_reason(table)
    table["class_grey"] = money_class(table["net_grey_eur_low"], table["net_grey_eur_high"])
    # A sewer can only add to it: what pays in the homes alone pays, whatever the sewer is.
    table.loc[table["net_grey_home_eur_low"] > 0, "class_grey"] = PAYS
    table["class_rain"] = money_class(table["net_rain_eur_low"], table["net_rain_eur_high"])
    for name, codes in (("grey", ("no_homes",)), ("rain", ("already_separate", "no_paving"))):
        table.loc[table[f"reason_{name}"].isin(codes), f"class_{name}"] = NOTHING
