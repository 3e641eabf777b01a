"""What blocks and areas are worth: sums of panden and homes, with the unknown left unknown and counted."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from kansenkaart.errors import SchemaError

_POLYGONS, _COLLECTION = (3, 6), 7  # kinds of geometry as shapely numbers them


def share_streets(home: pd.DataFrame, street: pd.DataFrame, *, column: str) -> pd.Series:
    """Share an amount of each street evenly over its homes.

    Parameters
    ----------
    home : pd.DataFrame
        `street_name`, and `street_id` where the name is unknown.
    street : pd.DataFrame
        `street_name`, `homes` [home] and the amount; several parts of one street are taken together.
    column : str
        The amount [EUR/year].

    Returns
    -------
    pd.Series
        Amount per home [EUR/home/year]; unknown for a home on no known street.
    """
    if missing := {"street_name", "homes", column} - set(street.columns):
        raise SchemaError(f"columns street_name, homes and {column}", found=f"no {sorted(missing)}", where="street")
    known = street[street["street_name"].notna() & street[column].notna() & (street["homes"] > 0)]
    total = known.groupby("street_name")[[column, "homes"]].sum()
    name = home["street_name"].fillna(home["street_id"]).astype("object")
    return name.map(total[column] / total["homes"]).astype(float)


def block_sums(block: pd.Series, parts: pd.DataFrame, *, columns: Sequence[str], count: int) -> pd.DataFrame:
    """Add up columns of panden or homes per block; unknown only where no part is known.

    Parameters
    ----------
    block : pd.Series
        Block per row of `parts`; -1 is none.
    parts : pd.DataFrame
        Panden or homes.
    columns : Sequence[str]
        What to add up.
    count : int
        Number of blocks [1].
    """
    number = block.to_numpy(np.int64)
    sums = parts.loc[number >= 0, list(columns)].astype(float).groupby(number[number >= 0]).sum(min_count=1)
    return sums.reindex(range(count))


def corporation_chance(home: pd.DataFrame, *, told: pd.Series, share: pd.Series) -> pd.Series:
    """Chance that each home is a corporation's: as its owner tells, else what the buurt's share leaves for it [1].

    Where a corporation tells of its own panden only, the share of the buurt is not counted twice: the homes of which no
    owner is known are a corporation's to the extent that the share of the buurt asks for more than were told.

    Parameters
    ----------
    home : pd.DataFrame
        `buurtcode` per home.
    told : pd.Series
        1 where a corporation owns the home, 0 where another does, unknown where nobody told; in the order of `home`.
    share : pd.Series
        Share of the homes that corporations own, by buurtcode [1].

    Returns
    -------
    pd.Series
        Between 0 and 1 [1]; unknown where neither the owner nor the buurt's share is known.
    """
    code = home["buurtcode"]
    known = told.notna()
    count = code.map(code.value_counts())
    owned = code.map(told.groupby(code).sum())
    silent = code.map((~known).groupby(code).sum())
    rest = ((code.map(share) * count - owned) / silent.where(silent > 0)).clip(0.0, 1.0)
    return told.where(known, rest).astype(float)


def together(*amounts: pd.Series) -> pd.Series:
    """Add amounts that may be unknown: unknown only where all are."""
    return pd.concat(amounts, axis=1).sum(axis=1, min_count=1)


def area_sums(block: pd.DataFrame, label: Sequence[int], *, sums: Sequence[str], value: str) -> pd.DataFrame:
    """Add up blocks per area.

    Parameters
    ----------
    block : pd.DataFrame
        `homes` [home], `buurtcode`, `corporation_frac` [1], the columns to add up and the value.
    label : Sequence[int]
        Area per block; -1 is none.
    sums : Sequence[str]
        What to add up; unknown only where no block is known.
    value : str
        Column whose known part is reported.

    Returns
    -------
    pd.DataFrame
        Per area `homes`, `blocks`, the sums, `corporation_frac` [1] (unknown where any home's is), `value_known_frac`
        (share of the homes in blocks with a known value [1]), `buurtcode` and `main_buurt_frac` of the main buurt.
    """
    area = np.asarray(label, np.int64)
    mine = block[area >= 0].assign(area=area[area >= 0])
    mine["known_homes"] = mine["homes"].where(mine[value].notna(), 0)
    mine["owned"] = (mine["corporation_frac"] * mine["homes"]).where(mine["homes"] > 0, 0.0)
    group = mine.groupby("area")
    out = group[list(sums)].sum(min_count=1)
    homes = group["homes"].sum()
    out.insert(0, "homes", homes)
    out.insert(1, "blocks", group.size())
    least = np.maximum(homes, 1)
    out["corporation_frac"] = group["owned"].agg(lambda one: one.sum(skipna=False)) / least
    out["value_known_frac"] = group["known_homes"].sum() / least
    share = mine.groupby(["area", "buurtcode"])["homes"].sum().reset_index()
    main = share.sort_values(["area", "homes", "buurtcode"], ascending=[True, False, True]).drop_duplicates("area")
    main = main.set_index("area").reindex(out.index)
    out["buurtcode"] = main["buurtcode"]
    out["main_buurt_frac"] = main["homes"] / least
    return out


def area_shapes(block: gpd.GeoDataFrame, label: Sequence[int]) -> gpd.GeoSeries:
    """Outline of each area."""
    mine = block[["geometry"]].assign(area=np.asarray(label, np.int64))
    return mine[mine["area"] >= 0].dissolve(by="area", sort=True).geometry


def most_of_homes(block: pd.DataFrame, label: Sequence[int]) -> dict[int, str]:
    """Name the street of the block with most homes per area; empty where none is known."""
    area = np.asarray(label, np.int64)
    named = block.assign(area=area)[(area >= 0) & block["streets"].fillna("").ne("").to_numpy()]
    top = named.sort_values(["homes", "block_id"], ascending=[False, True]).drop_duplicates("area")
    return dict(zip(top["area"], top["streets"].str.split("; ").str[0], strict=True))


def within_land(shape: gpd.GeoSeries, land: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Cut shapes off at the outside of the buurten; one that lies beyond them altogether stays as it is.

    Land within reach of a building goes on beyond the edge of the place, over a neighbour's meadow; nobody lives there.
    """
    outside = shapely.union_all(land.geometry.to_numpy())
    shapely.prepare(outside)
    whole = shape.to_numpy()
    crossing = ~shapely.contains_properly(outside, whole) & shapely.intersects(outside, whole)
    cut = whole.copy()
    cut[crossing] = shapely.intersection(whole[crossing], outside)
    parts = shapely.get_type_id(cut) == _COLLECTION
    cut[parts] = [shapely.multipolygons([p for p in shapely.get_parts(one) if p.area > 0]) for one in cut[parts]]
    empty = shapely.is_empty(cut) | ~np.isin(shapely.get_type_id(cut), _POLYGONS)
    cut[empty] = whole[empty]
    return gpd.GeoSeries(cut, index=shape.index, crs=shape.crs)
