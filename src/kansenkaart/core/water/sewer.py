"""Every pipe with what passes it, the diameters it needs in each scenario, how clean it stays, and what that saves."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from kansenkaart.core.water.arrays import Floats, Ints, objects, taken
from kansenkaart.core.water.assign import Reach, connect, nearest
from kansenkaart.core.water.costs import mixed_drains, replacement_year
from kansenkaart.core.water.decoupling import interval_rules, pipe_savings, saving_interval
from kansenkaart.core.water.design import (
    DesignRules,
    design_diameters,
    design_slope,
    dry_flow,
    harmon_peak,
    self_cleansing,
)
from kansenkaart.core.water.hydraulics import capacity_table, smallest_diameter
from kansenkaart.core.water.inputs import WaterSettings
from kansenkaart.core.water.network import FlowForest, SewerGraph, accumulate
from kansenkaart.errors import ConfigError
from kansenkaart.kernel import kernel


@dataclass(frozen=True)
class Loads:
    """Loads that enter the pipes.

    Parameters
    ----------
    pipe : DataFrame
        By `pipe_id`: `homes` [1], `people` [person], `paved_m2` [m2] of the pipe itself.
    home : DataFrame
        By home: `home_id`, `street_id`, `people`, `pipe_id`, `connected_by`, `pipe_distance_m` [m].
    street_rain : DataFrame
        By street and preference: `street_id`, `to`, `paved_m2`, `combined_m2` of it on a combined sewer [m2], `connected_by`.
    """

    pipe: pd.DataFrame
    home: pd.DataFrame
    street_rain: pd.DataFrame

    def combined_frac(self) -> pd.Series:
        """Share of each street's paving that drains to a combined sewer [1], by street."""
        sums = self.street_rain.groupby("street_id")[["combined_m2", "paved_m2"]].sum()
        return sums["combined_m2"] / sums["paved_m2"].where(sums["paved_m2"] > 0)

    def unassigned(self) -> pd.DataFrame:
        """Homes and paved streets without a sewer: `what`, `key`, `reason`, `amount`."""
        lost_home = self.home[self.home["pipe_id"].isna()]
        lost_rain = self.street_rain[self.street_rain["connected_by"].str.startswith("none")]
        homes = pd.DataFrame(
            {"what": "home", "key": lost_home["home_id"], "reason": lost_home["connected_by"], "amount": 1.0}
        )
        rain = pd.DataFrame(
            {
                "what": "paved_m2",
                "key": lost_rain["street_id"],
                "reason": lost_rain["connected_by"],
                "amount": lost_rain["paved_m2"],
            }
        )
        return pd.concat([part for part in (homes, rain) if len(part)] or [homes], ignore_index=True)


def enter_loads(
    *,
    home: gpd.GeoDataFrame,
    home_people: pd.DataFrame,
    pipe: gpd.GeoDataFrame,
    street: gpd.GeoDataFrame,
    paved: pd.DataFrame,
    reach: Reach,
) -> Loads:
    """Connect homes to the nearest foul sewer of their street, and each street's paving to its sewers by length.

    Where a rain sewer lies beside a combined one, paving goes to the one that it prefers (`to`); where there is only one, to
    that one.

    Parameters
    ----------
    home : GeoDataFrame
        `home_id` and points.
    home_people : DataFrame
        By home, in the same order: `home_id`, `street_id`, `people`.
    pipe : GeoDataFrame
        Clean pipes with `street_id`.
    street : GeoDataFrame
        From `build_streets`.
    paved : DataFrame
        Paved area that drains to the sewer: `street_id` (None: no street), `to` (rain, combined), `paved_m2` [m2].
    reach : Reach
        Distances [m].
    """
    foul = pipe[pipe["system"].isin(("vuilwater", "gemengd", "drukriool"))]
    connected = connect(
        home.geometry.to_numpy(),
        street_id=objects(home_people["street_id"]),
        pipe=foul,
        pipe_street=objects(foul["street_id"]),
        reach_m=reach.sewer_m,
    )
    homes = pd.concat([home_people.reset_index(drop=True), connected], axis=1)
    per_pipe = homes.groupby("pipe_id").agg(homes=("home_id", "size"), people=("people", "sum"))
    rain, street_rain = _rain(pipe, street, paved, reach)
    table = per_pipe.reindex(pipe["pipe_id"]).fillna(0.0)
    table["paved_m2"] = rain.reindex(pipe["pipe_id"]).fillna(0.0).to_numpy()
    return Loads(table, homes, street_rain)


RAIN, COMBINED = "rain", "combined"
_RAIN_SEWERS = ("hemelwater", "verbeterd_gescheiden")
_PUBLIC = ("road", "bare")


def drained_paving(surface: pd.DataFrame, pand: pd.DataFrame, home: pd.DataFrame) -> pd.DataFrame:
    """Add up the paving that drains to the sewer per street, with where its rain goes if there is a choice.

    As the BGT-inlooptool counts it: public paving goes to the rain sewer; roofs by the house drains of their time (separate
    from 1992, unknown counts as mixed); yards as the roofs of the street.

    Parameters
    ----------
    surface : DataFrame
        From `assign_surfaces`.
    pand : DataFrame
        `pand_id`, `bouwjaar` [year].
    home : DataFrame
        Homes with `street_id` and `bouwjaar` [year], for streets without roofs.

    Returns
    -------
    DataFrame
        `street_id` (None: no street), `to` (rain, combined), `paved_m2` [m2].
    """
    part = surface[surface["drains_to"] == "sewer"]
    area, frac = part["paved_m2"].astype(float), rain_preference(part, pand, home)
    both = [
        pd.DataFrame({"street_id": part["street_id"], "to": to, "paved_m2": area * share})
        for to, share in ((RAIN, frac), (COMBINED, 1 - frac))
    ]
    return pd.concat(both).groupby(["street_id", "to"], dropna=False)["paved_m2"].sum().reset_index()


def rain_preference(part: pd.DataFrame, pand: pd.DataFrame, home: pd.DataFrame) -> pd.Series:
    """Return which share of the rain of each surface goes to the rain sewer where its street has both sewers [1].

    Parameters
    ----------
    part, pand, home : DataFrame
        As in :func:`drained_paving`; of the surfaces those that are asked for.
    """
    area = part["paved_m2"].astype(float)
    year = pd.to_numeric(part["surface_id"].map(pand.drop_duplicates("pand_id").set_index("pand_id")["bouwjaar"]))
    apart = pd.Series(~mixed_drains(year.to_numpy(dtype=float, na_value=np.nan)), index=part.index)
    roof, yard = part["kind"] == "roof", part["kind"] == "yard"
    of_roofs = (area * apart)[roof].groupby(part["street_id"]).sum() / area[roof].groupby(part["street_id"]).sum()
    of_homes = pd.Series(~mixed_drains(home["bouwjaar"]), index=home.index).groupby(home["street_id"]).mean()
    like = part["street_id"].map(of_roofs.combine_first(of_homes)).astype(float).fillna(0.0)
    return pd.Series(np.where(part["kind"].isin(_PUBLIC), 1.0, np.where(yard, like, apart)), index=part.index)


def _rain(
    pipe: gpd.GeoDataFrame, street: gpd.GeoDataFrame, paved: pd.DataFrame, reach: Reach
) -> tuple[pd.Series, pd.DataFrame]:
    """Paved area per pipe [m2], and per street and preference how it was connected."""
    carriers = pipe[pipe["system"].isin((*_RAIN_SEWERS, "gemengd")) & (pipe["layer"] != "pressure")]
    kind = carriers["system"].isin(_RAIN_SEWERS).map({True: RAIN, False: COMBINED})
    wanted = paved[paved["street_id"].notna() & (paved["paved_m2"] > 0)].reset_index(drop=True)
    own = carriers[["pipe_id", "street_id", "length_m"]].assign(kind=kind).dropna(subset=["street_id"])
    pairs = wanted.reset_index(names="row").merge(own, on="street_id")
    # A street with both takes what is preferred; a street with one takes that one.
    pairs["liked"] = pairs["kind"] == pairs["to"]
    pairs = pairs[pairs["liked"] | ~pairs.groupby("row")["liked"].transform("any")]
    pairs["part_m2"] = pairs["paved_m2"] * pairs["length_m"] / pairs.groupby("row")["length_m"].transform("sum")
    direct = pairs.groupby("pipe_id")["part_m2"].sum()
    combined = pairs[pairs["kind"] == COMBINED].groupby("row")["part_m2"].sum()
    rest = wanted[~wanted.index.isin(pairs["row"])]
    place = street.set_index("street_id").geometry.reindex(rest["street_id"]).to_numpy()
    near, _ = nearest(place, targets=carriers.geometry.to_numpy(), reach_m=reach.sewer_m)
    by_near = pd.Series(rest["paved_m2"].to_numpy(), index=taken(carriers["pipe_id"], near), dtype=float)
    by_near = by_near[by_near.index.notna()].groupby(level=0).sum()
    table = wanted.assign(combined_m2=combined.reindex(wanted.index).fillna(0.0), connected_by="street")
    table.loc[rest.index, "connected_by"] = np.where(near >= 0, "nearest", "none: no sewer for rain within reach")
    joined = (taken(kind, near) == COMBINED) & (near >= 0)
    table.loc[rest.index, "combined_m2"] = np.where(joined, rest["paved_m2"], 0.0)
    homeless = paved.loc[paved["street_id"].isna(), "paved_m2"].sum()
    if homeless > 0:
        lost = {"street_id": "no street", "paved_m2": float(homeless), "combined_m2": 0.0}
        lost["connected_by"] = "none: no street within reach"
        table = pd.concat([table, pd.DataFrame([lost])], ignore_index=True)
    return direct.add(by_near, fill_value=0.0), table


# Bui 08, once in two years, 19.8 mm in an hour [mm per 5 minutes]: Leidraad Riolering, module C2100 (2004).
BUI_08_MM = (0.3, 0.6, 0.9, 1.2, 1.5, 2.1, 2.7, 3.3, 3.3, 2.1, 1.2, 0.6)
STEP_S = 300.0


@dataclass(frozen=True)
class Storm:
    """Rain in equal steps, and how it runs.

    Parameters
    ----------
    depths_mm : tuple of float
        Rain per step [mm].
    step_s : float
        Length of a step [s].
    velocity_m_per_s : float
        Speed of the wave in the pipes [m/s] (guess: 1; RIONED allows at most 1.5 in a full pipe).
    initial_loss_mm : float
        Rain that wets the surface and stays there [mm]; 0.5 for flat closed paving (NWRW run-off model).
    extra_steps : int
        Steps after the rain in which the water runs off [1].
    """

    depths_mm: tuple[float, ...] = BUI_08_MM
    step_s: float = STEP_S
    velocity_m_per_s: float = 1.0
    initial_loss_mm: float = 0.5
    extra_steps: int = 24

    def __post_init__(self) -> None:
        if not self.depths_mm or min(self.depths_mm) < 0 or min(self.step_s, self.velocity_m_per_s) <= 0:
            raise ConfigError("rain of 0 mm or more, step and speed above 0", found=str(self), where="Storm")


def net_rain(storm: Storm) -> Floats:
    """Rain that runs off in each step [mm], followed by the dry steps.

    Parameters
    ----------
    storm : Storm
        Rain and initial loss [mm].
    """
    fallen = np.cumsum(np.asarray(storm.depths_mm, dtype=float))
    left = np.diff(np.maximum(fallen - storm.initial_loss_mm, 0.0), prepend=0.0)
    return np.concatenate([left, np.zeros(storm.extra_steps)])


@kernel
def _route(
    order: Ints, next_pipe: Ints, tail: Ints, head: Ints, lag: Floats, area: Floats, rain: Floats
) -> tuple[Floats, Floats]:
    """Largest flow at the lower end of each pipe [m3/step] and the volume that arrives at each node [m3]."""
    steps = len(rain)
    at_node = np.zeros((len(next_pipe), steps))
    peak = np.zeros(len(tail))
    arrived = np.zeros(len(next_pipe))
    for p in range(len(tail)):
        if next_pipe[tail[p]] != p:
            for t in range(steps):
                wave = area[p] * rain[t]
                at_node[head[p], t] += wave
                peak[p] = max(peak[p], wave)
    for node in order:
        p = next_pipe[node]
        if p < 0:
            arrived[node] = at_node[node].sum()
            continue
        whole = int(lag[p])
        part = lag[p] - whole
        wave = area[p] * rain
        for t in range(steps):
            wave[min(t + whole, steps - 1)] += at_node[node, t] * (1 - part)
            wave[min(t + whole + 1, steps - 1)] += at_node[node, t] * part
        # The last step collects what would leave after the end: it keeps the volume but is no peak.
        for t in range(steps - 1):
            peak[p] = max(peak[p], wave[t])
        for t in range(steps):
            at_node[head[p], t] += wave[t]
    return peak, arrived


def storm_peaks(
    forest: FlowForest, *, paved_m2: npt.ArrayLike, length_m: Floats, storm: Storm
) -> tuple[Floats, Floats]:
    """Peak run-off of each pipe in a design storm [l/s] and the volume at each outlet [m3].

    Every pipe hands its inflow on after length / velocity (linear between steps); its own area enters at once.
    Volume is conserved.

    Parameters
    ----------
    forest : FlowForest
        Directions, from `orient`.
    paved_m2 : array_like
        Paved area that drains to each pipe itself [m2].
    length_m : array
        Length of each pipe [m].
    storm : Storm
        Rain and speed.
    """
    rain = net_rain(storm) / 1000
    lag = length_m / storm.velocity_m_per_s / storm.step_s
    area = np.ascontiguousarray(np.asarray(paved_m2, dtype=float))
    peak, arrived = _route(forest.order, forest.next_pipe, forest.tail, forest.head, lag, area, rain)
    return peak / storm.step_s * 1000, arrived


LOADS = ("homes", "people", "paved_m2")


def sewer_results(
    pipe: gpd.GeoDataFrame, *, graph: SewerGraph, forest: FlowForest, own: pd.DataFrame, settings: WaterSettings
) -> gpd.GeoDataFrame:
    """Put loads, flows, diameters, cleansing, replacement and savings on the pipes of the graph.

    Parameters
    ----------
    pipe : GeoDataFrame
        Clean pipes with `street_id`.
    graph, forest : SewerGraph, FlowForest
        From `build_graph` and `orient`.
    own : DataFrame
        By `pipe_id`: `homes`, `people`, `paved_m2` that enter the pipe itself.
    settings : WaterSettings
        Rules, prices, costs, interval.

    Returns
    -------
    GeoDataFrame
        Pipes of the graph, drawn in the direction of the flow.
    """
    table = pipe.set_index("pipe_id").loc[graph.pipe_id].reset_index()
    entered = own.reindex(graph.pipe_id)[list(LOADS)].to_numpy(dtype=float)
    through, _ = accumulate(forest, load=entered)
    for position, name in enumerate(LOADS):
        table[f"own_{name}"], table[name] = entered[:, position], through[:, position]
    flipped = forest.tail != graph.start
    table["geometry"] = table.geometry.where(~pd.Series(flipped), table.geometry.reverse())
    table["oriented_by"], table["closes_loop"] = forest.oriented_by, forest.closes_loop
    table["slope"] = np.where(flipped, -table["slope"], table["slope"])
    table["storm_08_l_per_s"], _ = storm_peaks(forest, paved_m2=entered[:, 2], length_m=graph.length_m, storm=Storm())
    return _designed(table, settings)


def _designed(table: gpd.GeoDataFrame, settings: WaterSettings) -> gpd.GeoDataFrame:
    rules, prices, costs = settings.design, settings.prices, settings.costs
    measured = table["slope"].to_numpy(dtype=float)
    slope, table["slope_basis"] = design_slope(measured, rules=rules)
    table["design_slope"] = slope
    design = design_diameters(table, slope=slope, rules=rules)
    table["minimum_mm"] = np.where(table["system"] == "vuilwater", rules.min_foul_mm, rules.min_rain_mm)
    laid = table["laid_year"].to_numpy(dtype=float)
    table["replacement_year"] = year = replacement_year(laid, prices=prices)
    saved = pipe_savings(design, length_m=table["length_m"], year=year, table=costs, prices=prices)
    variants = (
        rules,
        *interval_rules(rules, slopes=settings.interval_slopes, rains_l_per_s_ha=settings.interval_rains_l_per_s_ha),
    )
    sides = (prices, *(bound.prices for bound in settings.bounds))
    span = saving_interval(table, slope=measured, start_year=laid, rules=variants, prices=sides, table=costs)
    table["diameter_storm_08_mm"] = _in_storm(table, slope, rules)
    table["dry_peak_harmon_l_per_s"] = harmon_peak(table["people"], total_l_per_person_day=settings.uses.total)
    table["diameter_harmon_mm"] = _in_harmon_peak(table, slope, rules)
    before = _present_or_model(table, design)
    # Only a pipe that the model itself lays smaller shrinks; any other keeps the size it has and loses flow.
    smaller = design["diameter_grey_off_100_mm"].to_numpy()
    after = np.where(smaller < design["diameter_as_is_mm"].to_numpy(), np.fmin(before, smaller), before)
    clean = self_cleansing(table, slope=slope, before_mm=before, after_mm=after, rules=rules)
    pressed = (table["layer"] == "pressure").to_numpy()
    design.loc[pressed] = np.nan
    for frame in (saved, span):
        frame.loc[pressed] = 0.0
    return gpd.GeoDataFrame(pd.concat([table, design, saved, span, clean], axis=1), geometry="geometry", crs=table.crs)


def _in_storm(table: gpd.GeoDataFrame, slope: Floats, rules: DesignRules) -> Floats:
    """Smallest standard diameter [mm] that carries the peak of the design storm beside the household peak."""
    foul_only = np.asarray(table["system"] == "vuilwater", dtype=bool)
    peak = np.where(foul_only, 0.0, table["storm_08_l_per_s"])
    filling = np.where(foul_only, rules.filling_foul, rules.filling_full)
    size = smallest_diameter(
        dry_flow(table["people"], participation=0.0, rules=rules) + peak,
        capacity_l_per_s=capacity_table(
            slope, filling=filling, diameters_mm=rules.diameters_mm, friction=rules.friction
        ),
        minimum_mm=table["minimum_mm"].to_numpy(dtype=float),
        diameters_mm=rules.diameters_mm,
    )
    size[(table["layer"] == "pressure").to_numpy()] = np.nan
    return size


def _in_harmon_peak(table: gpd.GeoDataFrame, slope: Floats, rules: DesignRules) -> Floats:
    """Smallest standard diameter [mm] of a foul sewer for the peak by the number of people; unknown for other sewers."""
    size = smallest_diameter(
        table["dry_peak_harmon_l_per_s"],
        capacity_l_per_s=capacity_table(
            slope, filling=rules.filling_foul, diameters_mm=rules.diameters_mm, friction=rules.friction
        ),
        minimum_mm=rules.min_foul_mm,
        diameters_mm=rules.diameters_mm,
    )
    size[(table["system"] != "vuilwater").to_numpy() | (table["layer"] == "pressure").to_numpy()] = np.nan
    return size


def _present_or_model(table: gpd.GeoDataFrame, design: pd.DataFrame) -> Floats:
    """Diameter now [mm]: the register's where known, else the model's."""
    present = table["diameter_mm"].to_numpy(dtype=float)
    return np.where(np.isnan(present), design["diameter_as_is_mm"].to_numpy(), present)
