"""First scores: people and grey water per street, sun per roof face, pand and buurt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

DAYS_A_YEAR = 365.25
L_PER_M3 = 1000.0


@dataclass(frozen=True)
class GreyWater:
    """Light grey water: shower, bath and wash basin [l/person/day], and people per home where CBS has no figure."""

    litres_per_person_day: float
    household_size_design: float


def add_people(home: pd.DataFrame, *, buurt: pd.DataFrame, household_size_design: float) -> pd.DataFrame:
    """Give each home the household size of its buurt.

    Returns
    -------
    DataFrame
        With ``people`` [person/home] and ``people_basis``: ``cbs`` or ``norm`` where CBS has no figure for the buurt.
    """
    size = home["buurtcode"].map(buurt.set_index("buurtcode")["household_size_persons"]).astype(float)
    return home.assign(people=size.fillna(household_size_design), people_basis=np.where(size.isna(), "norm", "cbs"))


def name_streets(home: gpd.GeoDataFrame, *, lines: gpd.GeoDataFrame | None, reach_m: float) -> gpd.GeoDataFrame:
    """Say which street each home stands on: its address first, else the nearest named street line or wegdeel.

    Parameters
    ----------
    home : GeoDataFrame
        Points with ``street_name`` and ``street_id``, either may be null.
    lines : GeoDataFrame or None
        Named lines or surfaces with ``street``; used for homes without an address.
    reach_m : float
        How far the nearest may lie [m].

    Returns
    -------
    GeoDataFrame
        With ``street`` (null where nothing is near) and ``assigned_by``: ``address``, ``reference``, ``nearest`` or ``none``.
    """
    name, reference = home["street_name"].astype("str"), home["street_id"].astype("str")
    street = name.where(home["street_name"].notna(), reference.where(home["street_id"].notna(), None))
    how = np.where(home["street_name"].notna(), "address", np.where(home["street_id"].notna(), "reference", "none"))
    out = home.assign(street=street.to_numpy(), assigned_by=how)
    left = out.index[out["assigned_by"] == "none"]
    if lines is None or lines.empty or left.empty:
        return out
    near = out.loc[left, ["geometry"]].sjoin_nearest(lines[["street", "geometry"]], max_distance=reach_m)
    first = near.sort_values("street", kind="stable").groupby(level=0)["street"].first()
    out.loc[first.index, "street"] = first
    out.loc[first.index, "assigned_by"] = "nearest"
    return out


def score_streets(home: gpd.GeoDataFrame, *, grey: GreyWater) -> gpd.GeoDataFrame:
    """Add up homes, people and grey water of each street.

    Parameters
    ----------
    home : GeoDataFrame
        As :func:`name_streets` and :func:`add_people` leave it; homes without a street are left out (count them first).
    grey : GreyWater
        Figures per person.

    Returns
    -------
    GeoDataFrame
        A row per street and buurt: ``street_key``, ``street``, ``buurtcode``, ``homes`` [1], ``people`` [person],
        ``grey_water_m3_per_year`` [m3/year], ``grey_water_m3_per_year_basis`` and the homes as one MultiPoint.
    """
    known = home[home["street"].notna()]
    keyed = known.assign(
        key=known["street"] + "|" + known["buurtcode"].astype("str").where(known["buurtcode"].notna(), "-")
    )
    merged = keyed[["key", "geometry"]].dissolve(by="key", sort=True)
    groups = keyed.groupby("key", sort=True)
    people = groups["people"].sum()
    return gpd.GeoDataFrame(
        {
            "street_key": merged.index.to_numpy(),
            "street": groups["street"].first().to_numpy(),
            "buurtcode": groups["buurtcode"].first().to_numpy(),
            "homes": groups["home_id"].count().to_numpy(),
            "people": people.to_numpy(),
            "grey_water_m3_per_year": people.to_numpy() * grey.litres_per_person_day * DAYS_A_YEAR / L_PER_M3,
            "grey_water_m3_per_year_basis": groups["people_basis"]
            .agg(lambda one: "+".join(sorted(set(one))))
            .to_numpy(),
            "assigned_by": groups["assigned_by"].agg(lambda one: "+".join(sorted(set(one)))).to_numpy(),
        },
        geometry=merged.geometry.to_numpy(),
        crs=home.crs,
    )


def sum_roofs(faces: pd.DataFrame, *, by: str, names: Sequence[str]) -> pd.DataFrame:
    """Add up roof faces.

    Parameters
    ----------
    faces : DataFrame
        With ``score_basis``, the column ``by`` and the columns named.
    names : sequence of str
        Columns that add up, each in its own unit.

    Returns
    -------
    DataFrame
        Index ``by``; the sums (null if all faces are unknown), ``faces`` [1] and ``score_basis``.
    """
    groups = faces.groupby(by, sort=True)
    return (
        groups[list(names)]
        .sum(min_count=1)
        .assign(faces=groups.size(), score_basis=groups["score_basis"].agg(lambda one: "+".join(sorted(set(one)))))
    )
