"""The water score from frames to frames: streets, loads, sewer, diameters, money, classes and reasons in one pass."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.core.water.arrays import Objects
from kansenkaart.core.water.assign import (
    SURFACE_COLUMNS,
    assign_homes,
    assign_panden,
    assign_pipes,
    assign_surfaces,
    nearest,
)
from kansenkaart.core.water.costs import mixed_drains
from kansenkaart.core.water.decoupling import discharge_rule
from kansenkaart.core.water.inputs import HOME_AMOUNTS, WaterFrames, WaterResult, WaterSettings
from kansenkaart.core.water.naming import name_pipes
from kansenkaart.core.water.network import build_graph
from kansenkaart.core.water.orient import orient
from kansenkaart.core.water.pipes import COLUMNS, FOUL_SYSTEMS, CleanPipes, clean_pipes
from kansenkaart.core.water.sewer import COMBINED, RAIN, Loads, drained_paving, enter_loads, sewer_results
from kansenkaart.core.water.streets import build_streets
from kansenkaart.core.water.table import street_table


def score_water(frames: WaterFrames, *, settings: WaterSettings) -> WaterResult:
    """Score every street for grey water and for rain water, each with basis, interval and reason.

    Parameters
    ----------
    frames : WaterFrames
        What the sources deliver.
    settings : WaterSettings
        Every number.

    Raises
    ------
    InfeasibleError
        If no source holds a street.
    """
    street = build_streets(
        home=frames.home, terrain=frames.terrain, street_line=frames.street_line, rules=settings.street_rules
    )
    home, surface = _assigned(frames, street, settings)
    pipe, clean = _sewer(frames, street, settings)
    loads = _loads(frames, street, home, surface, pipe, settings)
    graph = build_graph(pipe, frames.sewer_node, structures=clean.structures)
    forest = orient(graph)
    results = sewer_results(pipe, graph=graph, forest=forest, own=loads.pipe, settings=settings)
    homes = loads.home.assign(discharge_rule=_rule(frames.home.geometry.to_numpy(), pipe, settings))
    on_combined = street["street_id"].map(loads.combined_frac())
    ruled = street.assign(combined_frac=on_combined, street_rule=_rule(street.geometry.to_numpy(), pipe, settings))
    table, month = street_table(
        ruled, home=homes, surface=surface, pipe=results, garden_mm=frames.garden_mm, settings=settings
    )
    faults = [part for part in (clean.issues, graph.issues, forest.issues) if len(part)]
    all_issues = pd.concat(faults or [clean.issues], ignore_index=True)
    homes = _with_share(homes, table)
    return WaterResult(table, results, homes, surface, _unassigned(homes, surface, loads), all_issues, month)


def _assigned(
    frames: WaterFrames, street: gpd.GeoDataFrame, settings: WaterSettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Homes with street, people, grey water, bouwjaar; surfaces with street (empty without BGT)."""
    own = assign_homes(frames.home, street=street, reach=settings.reach)
    for name in HOME_AMOUNTS:
        own[name] = frames.home[name].to_numpy(dtype=float)
    year = frames.home["pand_id"].map(frames.pand.drop_duplicates("pand_id").set_index("pand_id")["bouwjaar"])
    own["bouwjaar"] = pd.to_numeric(year, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    if frames.terrain is None or frames.terrain.empty:
        return own, pd.DataFrame({name: pd.Series(dtype="object") for name in SURFACE_COLUMNS})
    panden = assign_panden(frames.pand, home=frames.home, home_street=own, street=street, reach=settings.reach)
    surface = assign_surfaces(
        terrain=frames.terrain,
        pand=frames.pand,
        pand_street=panden,
        street=street,
        reach=settings.reach,
        yard_paved_frac=settings.yard_paved_frac,
    )
    return own, surface


def _sewer(
    frames: WaterFrames, street: gpd.GeoDataFrame, settings: WaterSettings
) -> tuple[gpd.GeoDataFrame, CleanPipes]:
    """Clean pipes with `street_id` and `basis`, and what was wrong; none where no register shows any: then it is unknown."""
    given = frames.sewer_pipe
    if given is None:
        given = gpd.GeoDataFrame({name: [] for name in COLUMNS}, geometry="geometry", crs=street.crs)
    clean = clean_pipes(given, limits=settings.limits)
    named_by = name_pipes(clean.pipes, sure_min=settings.name_sure_min)
    named = clean.pipes.assign(street_name=named_by["street_name"].to_numpy())
    put = assign_pipes(named, street=street, reach=settings.reach)
    by = put["assigned_by"].mask((named_by["named_by"] == "run") & (put["assigned_by"] == "name"), "run")
    placed = clean.pipes.assign(street_id=put["street_id"].to_numpy(), street_by=by.to_numpy(), basis="gwsw")
    return placed, clean


def _loads(
    frames: WaterFrames,
    street: gpd.GeoDataFrame,
    home: pd.DataFrame,
    surface: pd.DataFrame,
    pipe: gpd.GeoDataFrame,
    settings: WaterSettings,
) -> Loads:
    paved = drained_paving(surface, frames.pand, home) if len(surface) else _paving_of_homes(home, settings)
    return enter_loads(home=frames.home, home_people=home, pipe=pipe, street=street, paved=paved, reach=settings.reach)


def _paving_of_homes(home: pd.DataFrame, settings: WaterSettings) -> pd.DataFrame:
    """Give the paving of each street without BGT, a fixed area per home, with where its rain would rather go."""
    to = np.where(mixed_drains(home["bouwjaar"]), COMBINED, RAIN)
    count = home.groupby([home["street_id"], pd.Series(to, index=home.index, name="to")], dropna=False).size()
    return (count * settings.paved_m2_per_home).rename("paved_m2").reset_index()


def _rule(shapes: Objects, pipe: gpd.GeoDataFrame, settings: WaterSettings) -> Objects:
    """Say of homes or streets whether a foul sewer is near; unknown where no register shows any sewer."""
    foul = pipe[pipe["system"].isin((*FOUL_SYSTEMS, "drukriool"))].geometry.to_numpy()
    position, away = nearest(shapes, targets=foul, reach_m=settings.reach.sewer_m)
    distance = np.full(len(shapes), np.nan) if pipe.empty else np.where(position >= 0, away, np.inf)
    return discharge_rule(distance, rule_m=settings.reach.sewer_m)


def _with_share(home: pd.DataFrame, street: pd.DataFrame) -> pd.DataFrame:
    """Each home's even share of what grey water nets in its street [EUR/year], with its interval; unknown without a street."""
    by_street = street.set_index("street_id")
    out = home.copy()
    for name in ("water_eur_per_year", "water_eur_per_year_low", "water_eur_per_year_high"):
        share = by_street[name] / by_street["homes"].where(by_street["homes"] > 0)
        out[name] = home["street_id"].map(share).astype("float64")
    return out


def _unassigned(home: pd.DataFrame, surface: pd.DataFrame, loads: Loads) -> pd.DataFrame:
    lost_home = home[home["street_id"].isna()]
    lost_part = surface[surface["street_id"].isna()]
    parts = [
        pd.DataFrame(
            {"what": "home: street", "key": lost_home["home_id"], "reason": lost_home["assigned_by"], "amount": 1.0}
        ),
        pd.DataFrame(
            {
                "what": "surface: street",
                "key": lost_part["surface_id"],
                "reason": lost_part["assigned_by"],
                "amount": lost_part["area_m2"].astype(float),
            }
        ),
        loads.unassigned(),
    ]
    return pd.concat([part for part in parts if len(part)] or [parts[0]], ignore_index=True)
