"""Every pipe with what passes it, the diameters it needs in each scenario, how clean it stays, and what that saves."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.core.water.arrays import Floats
from kansenkaart.core.water.costs import replacement_year
from kansenkaart.core.water.decoupling import interval_rules, pipe_savings, saving_interval
from kansenkaart.core.water.design import DesignRules, design_diameters, design_slope, dry_flow, self_cleansing
from kansenkaart.core.water.hydraulics import capacity_table, smallest_diameter
from kansenkaart.core.water.inputs import WaterSettings
from kansenkaart.core.water.network import FlowForest, SewerGraph, accumulate
from kansenkaart.core.water.storm import Storm, storm_peaks

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
    table["replacement_year"], basis = replacement_year(laid, era_year=table["era_year"], prices=prices)
    table["replacement_basis"] = np.where(table["basis"] == "era", np.where(basis == "unknown", basis, "era"), basis)
    year = table["replacement_year"].to_numpy(dtype=float)
    saved = pipe_savings(design, length_m=table["length_m"], year=year, table=costs, prices=prices)
    variants = (
        rules,
        *interval_rules(rules, slopes=settings.interval_slopes, rains_l_per_s_ha=settings.interval_rains_l_per_s_ha),
    )
    sides = (prices, *(bound.prices for bound in settings.bounds))
    start = np.where(np.isnan(laid), table["era_year"].to_numpy(dtype=float), laid)
    span = saving_interval(table, slope=measured, start_year=start, rules=variants, prices=sides, table=costs)
    table["diameter_storm_08_mm"] = _in_storm(table, slope, rules)
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
    found = smallest_diameter(
        dry_flow(table["people"], participation=0.0, rules=rules) + peak,
        capacity_l_per_s=capacity_table(
            slope, filling=filling, diameters_mm=rules.diameters_mm, friction=rules.friction
        ),
        minimum_mm=table["minimum_mm"].to_numpy(dtype=float),
        diameters_mm=rules.diameters_mm,
    )
    found[(table["layer"] == "pressure").to_numpy()] = np.nan
    return found


def _present_or_model(table: gpd.GeoDataFrame, design: pd.DataFrame) -> Floats:
    """Diameter now [mm]: the register's where known, else the model's."""
    present = table["diameter_mm"].to_numpy(dtype=float)
    return np.where(np.isnan(present), design["diameter_as_is_mm"].to_numpy(), present)
