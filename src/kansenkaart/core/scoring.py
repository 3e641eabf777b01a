"""First scores: people and grey water per street, sun per roof face, pand and buurt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pandas.api.typing import SeriesGroupBy

DAYS_A_YEAR = 365.25
L_PER_M3 = 1000.0


def add_people(
    home: pd.DataFrame, *, buurt: pd.DataFrame | None, household_size_design: float, whole_frac: float
) -> pd.DataFrame:
    """Give each home its share of the inhabitants that CBS counts in its buurt, else the household size there.

    Parameters
    ----------
    home : DataFrame
        With ``buurtcode``, which may be null.
    buurt : DataFrame or None
        With ``buurtcode`` and ``household_size_persons`` [person/home], and where CBS counts them ``inhabitants`` and
        ``households`` [1]; None where CBS has no table at all.
    household_size_design : float
        Where CBS has no figure for the buurt [person/home].
    whole_frac : float
        Homes here for each household of the buurt [1] from which on they are all of its homes, so that its inhabitants may be
        shared over them.

    Returns
    -------
    DataFrame
        With ``people`` [person/home] and ``people_basis``: ``count`` or ``cbs`` (household size), or ``norm`` where CBS has no
        figure for the buurt.
    """
    if buurt is None:
        return home.assign(people=float(household_size_design), people_basis="norm")
    rows = buurt.set_index("buurtcode")
    known = {
        name: rows[name].astype(float) if name in rows else pd.Series(np.nan, index=rows.index)
        for name in ("inhabitants", "households", "household_size_persons")
    }
    homes = home["buurtcode"].value_counts().reindex(rows.index)
    shared = (known["inhabitants"] / homes).where(homes >= whole_frac * known["households"])
    count, size = (home["buurtcode"].map(one).astype(float) for one in (shared, known["household_size_persons"]))
    basis = np.where(count.notna(), "count", np.where(size.isna(), "norm", "cbs"))
    return home.assign(people=count.fillna(size).fillna(household_size_design), people_basis=basis)


def add_grey_water(home: pd.DataFrame, *, litres_per_person_day: float) -> pd.DataFrame:
    """Give each home the light grey water (shower, bath, wash basin) of its people.

    Parameters
    ----------
    home : DataFrame
        With ``people`` [person/home].
    litres_per_person_day : float
        Light grey water [l/person/day].

    Returns
    -------
    DataFrame
        With ``grey_water_m3_per_year`` [m3/year].
    """
    return home.assign(grey_water_m3_per_year=home["people"] * litres_per_person_day * DAYS_A_YEAR / L_PER_M3)


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
    street = home["street_name"].fillna(home["street_id"])
    how = np.where(home["street_name"].notna(), "address", np.where(home["street_id"].notna(), "reference", "none"))
    out = home.assign(street=street, assigned_by=how)
    left = out.index[out["assigned_by"] == "none"]
    if lines is None or lines.empty or left.empty:
        return out
    near = out.loc[left, ["geometry"]].sjoin_nearest(lines[["street", "geometry"]], max_distance=reach_m)
    first = near.groupby(level=0)["street"].min()
    out.loc[first.index, "street"] = first
    out.loc[first.index, "assigned_by"] = "nearest"
    return out


def key_streets(home: pd.DataFrame) -> pd.Series:
    """Name the street of each home together with its buurt; null where the street is unknown.

    Parameters
    ----------
    home : DataFrame
        With ``street`` and ``buurtcode``, either may be null.
    """
    return home["street"].astype("str") + "|" + home["buurtcode"].fillna("-")


def sum_streets(home: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Add up homes, people and grey water of each street.

    Parameters
    ----------
    home : GeoDataFrame
        With ``street_key``, ``street``, ``buurtcode``, ``people``, ``people_basis``, ``grey_water_m3_per_year`` and
        ``assigned_by``; homes without a street are left out (count them first).

    Returns
    -------
    GeoDataFrame
        A row per street and buurt: ``street_key``, ``street``, ``buurtcode``, ``homes`` [1], ``people`` [person],
        ``grey_water_m3_per_year`` [m3/year], ``grey_water_m3_per_year_basis`` and the homes as one MultiPoint.
    """
    placed = home[home["street_key"].notna()]
    groups = placed.groupby("street_key")
    sums = groups.agg(
        street=("street", "first"),
        buurtcode=("buurtcode", "first"),
        homes=("home_id", "count"),
        people=("people", "sum"),
        grey_water_m3_per_year=("grey_water_m3_per_year", "sum"),
    ).assign(
        grey_water_m3_per_year_basis=one_basis(groups["people_basis"]), assigned_by=one_basis(groups["assigned_by"])
    )
    shapes = placed[["street_key", "geometry"]].dissolve(by="street_key").geometry
    return gpd.GeoDataFrame(sums, geometry=shapes).reset_index()


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
    groups = faces.groupby(by)
    return (
        groups[list(names)].sum(min_count=1).assign(faces=groups.size(), score_basis=one_basis(groups["score_basis"]))
    )


#: What a sum was made from whose parts were made from several things.
MIXED = "mixed"


def one_basis(parts: SeriesGroupBy[Any, Any]) -> pd.Series[str]:
    """Return the basis that all parts of each sum share, else ``mixed``: one code of its list, never several in one text.

    Parameters
    ----------
    parts : SeriesGroupBy of str
        Of each part its basis, by sum; an unknown one is like no other.
    """
    alike = parts.nunique().eq(1) & parts.count().eq(parts.size())
    return parts.first().where(alike, MIXED)


def add_buurtcode(frame: gpd.GeoDataFrame, *, buurt: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Put each row in the buurt that holds its inner point; on a border the first code counts, outside all it is unknown.

    Parameters
    ----------
    frame : GeoDataFrame
        Polygons, lines or points in RD New.
    buurt : GeoDataFrame
        Polygons with ``buurtcode``.

    Returns
    -------
    GeoDataFrame
        The same rows in the same order with ``buurtcode`` (null outside every buurt).
    """
    points = gpd.GeoDataFrame(geometry=frame.geometry.representative_point().to_numpy(), crs=frame.crs)
    joined = points.sjoin(buurt[["buurtcode", "geometry"]], how="left", predicate="intersects")
    return frame.assign(buurtcode=joined.groupby(level=0)["buurtcode"].min().to_numpy())


def add_home_counts(pand: gpd.GeoDataFrame, *, home: pd.DataFrame) -> gpd.GeoDataFrame:
    """Count the homes of each pand; a home over several panden counts in its first.

    Parameters
    ----------
    pand : GeoDataFrame
        With ``pand_id``.
    home : DataFrame
        With ``home_id`` and ``pand_id``.

    Returns
    -------
    GeoDataFrame
        With ``homes`` [1]; 0 where the register has the pand without a home.
    """
    counts = home.groupby("pand_id")["home_id"].count()
    return pand.assign(homes=pand["pand_id"].map(counts).fillna(0).astype("Int64"))


def totals(buurt: gpd.GeoDataFrame, *, pand: gpd.GeoDataFrame | None, home: gpd.GeoDataFrame | None) -> pd.DataFrame:
    """Count panden and homes of each buurt, and compare the homes with the households of CBS.

    Parameters
    ----------
    buurt : GeoDataFrame
        With ``buurtcode`` and ``households`` [1].
    pand, home : GeoDataFrame or None
        With ``buurtcode``; None where that register is absent.

    Returns
    -------
    DataFrame
        ``buurtcode``, ``panden`` [1], ``homes`` [1] (null where that register is absent) and ``homes_per_household`` [1].
    """
    out = pd.DataFrame({"buurtcode": buurt["buurtcode"]})
    for name, frame in (("panden", pand), ("homes", home)):
        counted = pd.NA if frame is None else out["buurtcode"].map(frame["buurtcode"].value_counts()).fillna(0)
        out[name] = pd.Series(counted, index=out.index, dtype="Int64")
    out["homes_per_household"] = (out["homes"] / buurt["households"].where(buurt["households"] > 0)).astype(float)
    return out


def with_statistics(buurt: gpd.GeoDataFrame, *, statistics: pd.DataFrame) -> gpd.GeoDataFrame:
    """Fill in statistics by buurtcode: a figure of the statistics counts first, with its year; else what was there stays.

    Parameters
    ----------
    buurt : GeoDataFrame
        With ``buurtcode`` and pairs of columns ``x`` and ``x_year``.
    statistics : DataFrame
        With ``buurtcode`` and the same pairs, not necessarily all.
    """
    given = statistics.set_index("buurtcode").reindex(buurt["buurtcode"]).set_axis(buurt.index)
    out = buurt.copy()
    for name in (one for one in statistics.columns if f"{one}_year" in statistics.columns and one in buurt.columns):
        for column in (name, f"{name}_year"):
            out[column] = given[column].where(given[name].notna(), out[column])
    return out


def is_corporation(owner: pd.Series) -> pd.Series:
    """Tell of the owners' names which are housing corporations; an unknown owner is none.

    Parameters
    ----------
    owner : Series
        Names; null where unknown.
    """
    return owner.astype("object").str.contains("corporatie|woningstichting", case=False, na=False)
