"""Which buurt a thing lies in, and what a buurt adds up to."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd


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
    first = joined.sort_values("buurtcode", kind="stable").groupby(level=0)["buurtcode"].first()
    return frame.assign(buurtcode=first.reindex(range(len(frame))).to_numpy())


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
    """Count panden and homes of each buurt beside what CBS says.

    Returns
    -------
    DataFrame
        ``buurtcode``, ``panden`` [1], ``homes`` [1] (null where that register is absent) and ``homes_per_household`` [1].
    """
    out = pd.DataFrame({"buurtcode": buurt["buurtcode"]})
    for name, frame in (("panden", pand), ("homes", home)):
        counted = None if frame is None else frame.groupby("buurtcode").size().reindex(out["buurtcode"]).fillna(0)
        out[name] = pd.array([pd.NA] * len(out) if counted is None else counted.to_numpy(), dtype="Int64")
    households = buurt["households"].where(buurt["households"] > 0)
    out["homes_per_household"] = out["homes"].astype("Float64").to_numpy(float, na_value=float("nan")) / households
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
    told = statistics.set_index("buurtcode").reindex(buurt["buurtcode"])
    out = buurt.copy()
    for name in (one for one in statistics.columns if f"{one}_year" in statistics.columns and one in buurt.columns):
        known = told[name].notna().to_numpy()
        for column in (name, f"{name}_year"):
            values = pd.Series(told[column].to_numpy(), index=out.index)
            out[column] = values.where(known, out[column])
    return out
