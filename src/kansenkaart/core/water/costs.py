"""Money and time: when a sewer is due, what its diameter costs, and what a saving then is worth now.

All amounts [EUR] at the price level that the caller names with `price_index`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kansenkaart.core.water.arrays import Bools, Floats
from kansenkaart.errors import ConfigError, SchemaError


@dataclass(frozen=True)
class Prices:
    """Prices and lives at one price level; the defaults are round figures for a sum by hand.

    Parameters
    ----------
    year_now : int
        Year to which amounts are discounted [year].
    price_index : float
        Price level of the answer over that of the cost table [1].
    price_year : int
        Price level of all amounts [year].
    discount_frac : float
        Real discount rate [1/year].
    sewer_life, sewer_life_low, sewer_life_high : float
        Life of a sewer [year].
    manhole_spacing_m : float
        One manhole per this length [m].
    water_eur_per_m3 : float
        Drinking water [EUR/m3].
    treatment_eur_per_m3 : float
        Running cost of treating waste water that falls with its volume [EUR/m3] (guess: energy and pumping at the plant).
    pump_kwh_per_m3, electricity_eur_per_kwh : float
        Pumping in the sewers [kWh/m3] (guess) and its price [EUR/kWh].
    rain_off_eur_per_m2 : float
        Extra cost of taking rain off when the sewer is replaced anyway [EUR/m2].
    grey_eur_per_home : float
        Grey-water installation [EUR/home].
    mixed_drains_eur_per_home : float
        Extra where grey and other water leave the house by one drain [EUR/home] (guess).
    analysis_years : int
        Years over which yearly amounts count [year].
    """

    year_now: int
    price_index: float
    price_year: int
    discount_frac: float
    sewer_life: float
    sewer_life_low: float
    sewer_life_high: float
    manhole_spacing_m: float
    water_eur_per_m3: float
    treatment_eur_per_m3: float
    pump_kwh_per_m3: float
    electricity_eur_per_kwh: float
    rain_off_eur_per_m2: float
    grey_eur_per_home: float
    mixed_drains_eur_per_home: float
    analysis_years: int

    def __post_init__(self) -> None:
        if not self.sewer_life_low <= self.sewer_life <= self.sewer_life_high or self.price_index <= 0:
            raise ConfigError("life within its bounds and an index above 0", found=str(self), where="Prices")

    @property
    def annuity_factor(self) -> float:
        """Value now of 1 EUR a year over the years of the analysis [year]."""
        if self.discount_frac == 0:
            return float(self.analysis_years)
        return (1 - (1 + self.discount_frac) ** -self.analysis_years) / self.discount_frac


@dataclass(frozen=True)
class CostTable:
    """Cost of replacing a sewer by diameter (RIONED kostenkengetallen, price level 2015).

    Parameters
    ----------
    diameter_mm, pipe_eur_per_m, manhole_eur_each : tuple of float
        Ascending diameters [mm], replacement [EUR/m], manholes [EUR].
    """

    diameter_mm: tuple[float, ...]
    pipe_eur_per_m: tuple[float, ...]
    manhole_eur_each: tuple[float, ...]

    def __post_init__(self) -> None:
        sizes = self.diameter_mm
        if list(sizes) != sorted(set(sizes)) or not len(sizes) == len(self.pipe_eur_per_m) == len(
            self.manhole_eur_each
        ):
            raise SchemaError("ascending diameters, one cost each", found=str(sizes), where="sewer_costs")


def cost_table(costs: pd.DataFrame) -> CostTable:
    """Turn the rows of `sewer_costs.csv` into a cost table.

    Parameters
    ----------
    costs : DataFrame
        `diameter_mm` [mm], `replace_pipe_eur_per_m` [EUR/m], `manhole_eur_each` [EUR].

    Raises
    ------
    SchemaError
        If a column is missing, or the diameters do not ascend.
    """
    needed = ["diameter_mm", "replace_pipe_eur_per_m", "manhole_eur_each"]
    if missing := [name for name in needed if name not in costs.columns]:
        raise SchemaError(f"columns {needed}", found=f"a table without {missing}", where="sewer_costs")
    columns = [tuple(costs[name].astype(float).tolist()) for name in needed]
    return CostTable(*columns)


def pipe_cost(diameter_mm: npt.ArrayLike, *, table: CostTable, prices: Prices) -> Floats:
    """Cost of replacing a metre of sewer with its manholes [EUR/m]; linear between the diameters, NaN above the table.

    Below the smallest diameter of the table the smallest one's cost holds.

    Parameters
    ----------
    diameter_mm : array_like
        Inner diameter [mm].
    table : CostTable
        Costs by diameter.
    prices : Prices
        Index and spacing of manholes.
    """
    size = np.asarray(diameter_mm, dtype=float)
    per_m = np.asarray(table.pipe_eur_per_m) + np.asarray(table.manhole_eur_each) / prices.manhole_spacing_m
    cost = np.interp(size, table.diameter_mm, per_m) * prices.price_index
    return np.where(np.isnan(size) | (size > table.diameter_mm[-1]), np.nan, cost)


def replacement_year(laid_year: npt.ArrayLike, *, prices: Prices) -> Floats:
    """Year in which a sewer is due, not before now [year]; unknown where its laying year is unknown.

    The age of the homes along a street says nothing of when its sewer is due: sewers are replaced by condition, about
    0.9 % of the length a year (Riolering in beeld).

    Parameters
    ----------
    laid_year : array_like
        Laying year from the register [year]; NaN unknown. Relining can overwrite it.
    prices : Prices
        Life of a sewer and the present year.
    """
    return np.asarray(np.maximum(np.asarray(laid_year, dtype=float) + prices.sewer_life, prices.year_now))


def present_value(amount_eur: npt.ArrayLike, *, year: npt.ArrayLike, prices: Prices) -> Floats:
    """Value now [EUR] of an amount in a later year: A / (1 + r)^(year - now).

    Parameters
    ----------
    amount_eur : array_like
        Amount [EUR].
    year : array_like
        When [year].
    prices : Prices
        Rate and present year.
    """
    ahead = np.maximum(np.asarray(year, dtype=float) - prices.year_now, 0.0)
    return np.asarray(np.asarray(amount_eur, dtype=float) / (1 + prices.discount_frac) ** ahead)


def grey_cost(homes: npt.ArrayLike, *, mixed_drain_homes: npt.ArrayLike, prices: Prices) -> Floats:
    """Cost of taking grey water off [EUR]: an installation per home, more where house drains are mixed.

    Parameters
    ----------
    homes : array_like
        Homes that take part [1].
    mixed_drain_homes : array_like
        Of these, homes with one drain for all water [1].
    prices : Prices
        Cost per home [EUR/home].
    """
    extra = np.asarray(mixed_drain_homes, dtype=float) * prices.mixed_drains_eur_per_home
    return np.asarray(np.asarray(homes, dtype=float) * prices.grey_eur_per_home + extra)


def mixed_drains(bouwjaar: npt.ArrayLike, *, separate_from_year: int = 1992) -> Bools:
    """Whether a home's grey water leaves by one drain with the rest: built before separate drains; unknown counts as mixed.

    Parameters
    ----------
    bouwjaar : array_like
        Year of building [year]; NaN unknown.
    separate_from_year : int
        First year with separate house drains [year] (Bouwbesluit 1992, as the BGT-inlooptool counts it).
    """
    return np.asarray(~(np.asarray(bouwjaar, dtype=float) >= separate_from_year), dtype=bool)


def yearly_value(reused_m3: npt.ArrayLike, *, kept_out_m3: npt.ArrayLike, prices: Prices) -> dict[str, Floats]:
    """Yearly value of reused and kept-out grey water [EUR/year]: drinking water, treatment, pumping.

    Parameters
    ----------
    reused_m3 : array_like
        Grey water that replaces drinking water [m3/year].
    kept_out_m3 : array_like
        Grey water that leaves the sewer for good [m3/year].
    prices : Prices
        Prices per m3.
    """
    reused, kept = np.asarray(reused_m3, dtype=float), np.asarray(kept_out_m3, dtype=float)
    return {
        "drinking_water_eur_per_year": reused * prices.water_eur_per_m3,
        "treatment_eur_per_year": kept * prices.treatment_eur_per_m3,
        "pumping_eur_per_year": kept * prices.pump_kwh_per_m3 * prices.electricity_eur_per_kwh,
    }
