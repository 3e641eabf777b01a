"""What goes into the water score and what comes out: frames, every number, and the answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import geopandas as gpd
import pandas as pd

from kansenkaart.core.water.arrays import Floats
from kansenkaart.core.water.assign import Reach
from kansenkaart.core.water.costs import CostTable, Prices
from kansenkaart.core.water.demand import Uses
from kansenkaart.core.water.design import DesignRules
from kansenkaart.core.water.pipes import PipeLimits
from kansenkaart.core.water.streets import StreetRules

#: What each home brings: people [person], grey water [m3/year].
HOME_AMOUNTS = ("people", "grey_water_m3_per_year")


@dataclass(frozen=True)
class WaterFrames:
    """What the sources deliver; None where a source has nothing.

    Parameters
    ----------
    home : GeoDataFrame
        Table `home` with `people` [person] and `grey_water_m3_per_year` [m3/year] of the table `home_score`.
    pand : GeoDataFrame
        Table `pand`.
    terrain, street_line, sewer_pipe, sewer_node : GeoDataFrame, optional
        Tables of the same names.
    garden_mm : array
        Garden water per month [mm/month], from `garden_demand_mm`.
    """

    home: gpd.GeoDataFrame
    pand: gpd.GeoDataFrame
    garden_mm: Floats
    terrain: gpd.GeoDataFrame | None = None
    street_line: gpd.GeoDataFrame | None = None
    sewer_pipe: gpd.GeoDataFrame | None = None
    sewer_node: gpd.GeoDataFrame | None = None


@dataclass(frozen=True)
class Bound:
    """One end of what the figures may be, all together; the interval spans all bounds and the middle.

    Parameters
    ----------
    prices : Prices
        Prices, index, rate and years of this end.
    garden_mm : array
        Garden water per month [mm/month] with the crop factor of this end.
    use_factor : float
        Household water use over that of the middle [1].
    yard_paved_frac : float
        Paved share of a yard [1].
    garden_m2_per_home, store_m3_per_home : float
        Where there is no BGT [m2/home]; store for grey water [m3/home].
    """

    prices: Prices
    garden_mm: Floats
    use_factor: float = 1.0
    yard_paved_frac: float = 0.5
    garden_m2_per_home: float = 50.0
    store_m3_per_home: float = 0.2


@dataclass(frozen=True)
class WaterSettings:
    """Every number the water score rests on.

    Parameters
    ----------
    limits, prices, costs
        Believable pipes, prices and the cost table: they have no default.
    uses, design, reach, street_rules
        Uses of water, rules of design, reach of the rules, and streets.
    use_factor : float
        Household water use over that of the homes' own figures [1]; other than 1 at the ends of the interval.
    yard_paved_frac : float
        Paved share of a yard [1] (guess between 0 and 1).
    garden_m2_per_home, paved_m2_per_home : float
        Where there is no BGT [m2/home] (guess; RIONED).
    store_m3_per_home : float
        Store for grey water [m3/home] (guess; it keeps for a day or so).
    participation : float
        Share of homes counted in the yearly sums [1].
    interval_slopes, interval_rains_l_per_s_ha : tuple of float
        Default slopes [1] and rains [l/s/ha] of the interval.
    name_sure_min : float
        Least sureness of a street name that a pipe takes from the named pipes around it [1]; below it the nearest street.
        On the register of Almere 0.9 gives two thirds of the hidden names, 97 % of them right.
    bounds : tuple of Bound
        Ends of the intervals of money; empty: every low and high of a price is its middle.
    """

    limits: PipeLimits
    prices: Prices
    costs: CostTable
    uses: Uses = field(default_factory=Uses)
    design: DesignRules = field(default_factory=DesignRules)
    reach: Reach = field(default_factory=Reach)
    street_rules: StreetRules = field(default_factory=StreetRules)
    use_factor: float = 1.0
    yard_paved_frac: float = 0.5
    garden_m2_per_home: float = 50.0
    paved_m2_per_home: float = 200.0
    store_m3_per_home: float = 0.2
    participation: float = 1.0
    interval_slopes: tuple[float, ...] = (1 / 250, 1 / 1000)
    interval_rains_l_per_s_ha: tuple[float, ...] = (60.0, 90.0)
    name_sure_min: float = 0.9
    bounds: tuple[Bound, ...] = ()

    def at(self, bound: Bound) -> WaterSettings:
        """Put one end of the figures in the place of the middle."""
        return replace(
            self,
            prices=bound.prices,
            uses=self.uses.times(bound.use_factor),
            use_factor=bound.use_factor,
            yard_paved_frac=bound.yard_paved_frac,
            garden_m2_per_home=bound.garden_m2_per_home,
            store_m3_per_home=bound.store_m3_per_home,
        )


@dataclass(frozen=True)
class WaterResult:
    """The answer and everything it rests on.

    Parameters
    ----------
    street, pipe : GeoDataFrame
        Streets and pipes with their results.
    home, surface : DataFrame
        Homes and parts of surfaces with street, pipe, rule and distance.
    unassigned, issues : DataFrame
        What found no street or sewer, and every fault of the sewer data, with reasons.
    month : DataFrame
        Grey water per street and month [m3]: supply, uses, overflow, store.
    """

    street: gpd.GeoDataFrame
    pipe: gpd.GeoDataFrame
    home: pd.DataFrame
    surface: pd.DataFrame
    unassigned: pd.DataFrame
    issues: pd.DataFrame
    month: pd.DataFrame
