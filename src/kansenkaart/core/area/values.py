"""What blocks and areas are worth: sums of panden and homes, with the unknown left unknown and counted."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from kansenkaart.core.area.graph import BORDER_CLASSES
from kansenkaart.errors import ConfigError, SchemaError
from kansenkaart.kernel import Flags, Ints

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
    summed = street[street["street_name"].notna() & street[column].notna() & (street["homes"] > 0)]
    total = summed.groupby("street_name")[[column, "homes"]].sum()
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


def corporation_chance(home: pd.DataFrame, *, owned: pd.Series, share: pd.Series) -> pd.Series:
    """Chance that each home is a corporation's: as its owner tells, else what the buurt's share leaves for it [1].

    Where a corporation tells of its own panden only, the share of the buurt is not counted twice: the homes of which no
    owner is given are a corporation's to the extent that the share of the buurt asks for more than was given.

    Parameters
    ----------
    home : pd.DataFrame
        `buurtcode` per home.
    owned : pd.Series
        1 where a corporation owns the home, 0 where another does, unknown where its owner is; in the order of `home`.
    share : pd.Series
        Share of the homes that corporations own, by buurtcode [1].

    Returns
    -------
    pd.Series
        Between 0 and 1 [1]; unknown where neither the owner nor the buurt's share is known.
    """
    code = home["buurtcode"]
    given = owned.notna()
    count = code.map(code.value_counts())
    counted = code.map(owned.groupby(code).sum())
    silent = code.map((~given).groupby(code).sum())
    left = ((code.map(share) * count - counted) / silent).clip(0.0, 1.0)
    return owned.where(given, left).astype(float)


def together(*amounts: pd.Series) -> pd.Series:
    """Add amounts that may be unknown: unknown only where all are.

    Parameters
    ----------
    *amounts : Series
        Per source of value, one amount a block [EUR/year].
    """
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
    """Outline of each area.

    Parameters
    ----------
    block : gpd.GeoDataFrame
        Blocks with their polygons.
    label : Sequence[int]
        Area per block; below 0 = none.
    """
    mine = block[["geometry"]].assign(area=np.asarray(label, np.int64))
    return mine[mine["area"] >= 0].dissolve(by="area", sort=True).geometry


def most_of_homes(block: pd.DataFrame, label: Sequence[int]) -> dict[int, str]:
    """Name the street of the block with most homes per area; empty where none is known.

    Parameters
    ----------
    block : pd.DataFrame
        `homes` [home] and `streets` per block.
    label : Sequence[int]
        Area per block; below 0 = none.
    """
    area = np.asarray(label, np.int64)
    named = block.assign(area=area)[(area >= 0) & block["streets"].fillna("").ne("").to_numpy()]
    top = named.sort_values(["homes", "block_id"], ascending=[False, True]).drop_duplicates("area")
    return dict(zip(top["area"], top["streets"].str.split("; ").str[0], strict=True))


def within_land(shape: gpd.GeoSeries, land: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Cut shapes off at the outside of the buurten; one that lies beyond them altogether stays as it is.

    Land within reach of a building goes on beyond the edge of the place, over a neighbour's meadow; nobody lives there.

    Parameters
    ----------
    shape : gpd.GeoSeries
        Polygons, RD New [m].
    land : gpd.GeoDataFrame
        The buurten.
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


_PATH, _BRIDGE = "path", "bridge"


def bounding_lines(
    terrain: gpd.GeoDataFrame | None,
    street_line: gpd.GeoDataFrame | None,
    *,
    classes: pd.DataFrame,
    ditch_m: float = 3.0,
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Choose the barriers between blocks and the crossings over them.

    Parameters
    ----------
    terrain : gpd.GeoDataFrame or None
        `kind`, `function`, surfaces in RD New.
    street_line : gpd.GeoDataFrame or None
        `road_class`, lines in RD New.
    classes : pd.DataFrame
        Rows of `barrier_classes.csv`: `kind`, `function` (how it begins; empty = any) and `cls`.
    ditch_m : float
        Water narrower than this is stepped over and bounds nothing [m]; a guess.

    Returns
    -------
    tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]
        Barriers with `cls`, and the surfaces and lines on which people walk over water and rail.
    """
    if unknown := sorted(set(classes["cls"]) - {*BORDER_CLASSES, _PATH, _BRIDGE}):
        raise ConfigError(f"border classes {BORDER_CLASSES}", found=str(unknown), where="barrier_classes.csv")
    parts = []
    if terrain is not None and len(terrain):
        cls = _class_of(terrain, classes)
        parts.append(gpd.GeoDataFrame({"cls": cls}, geometry=terrain.geometry.to_numpy(), crs=terrain.crs)[cls != ""])
    if street_line is not None and len(street_line):
        cls = street_line["road_class"].fillna("local").to_numpy(object)
        parts.append(gpd.GeoDataFrame({"cls": cls}, geometry=street_line.geometry.to_numpy(), crs=street_line.crs))
    if not parts:
        empty = gpd.GeoDataFrame({"cls": pd.Series([], dtype=object)}, geometry=[], crs=28992)
        return empty, empty
    lines = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=parts[0].crs)
    shape = lines.geometry.to_numpy()
    width = 2 * shapely.area(shape) / np.maximum(shapely.length(shape) - 2 * ditch_m, ditch_m)
    ditch = (lines["cls"] == "water").to_numpy() & (shapely.area(shape) > 0) & (width < ditch_m)
    lines = lines[~ditch]
    bounds = lines["cls"].isin(BORDER_CLASSES)
    return lines[bounds].reset_index(drop=True), lines[~bounds].reset_index(drop=True)


def covered_share(homes: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame, *, reach_m: float) -> float:
    """Share of the homes with a known street within reach [m]: below 1 where the terrain covers part of the place only.

    Parameters
    ----------
    homes : gpd.GeoDataFrame
        Points, RD New [m].
    barriers : gpd.GeoDataFrame
        Lines and areas with `cls`.
    reach_m : float
        Farthest street that counts [m].
    """
    streets = barriers.geometry.to_numpy()[~barriers["cls"].isin(["water", "rail"]).to_numpy()]
    points = homes.geometry.to_numpy()
    points = points[~(shapely.is_missing(points) | shapely.is_empty(points))]
    if not len(streets) or not len(points):
        return 0.0
    near = shapely.STRtree(streets).query(points, predicate="dwithin", distance=reach_m)[0]
    return len(np.unique(near)) / len(points)


def _class_of(terrain: pd.DataFrame, classes: pd.DataFrame) -> np.ndarray:
    """Class of each surface: of the first row whose kind is the same and whose function it begins with; empty where none."""
    kind = terrain["kind"].astype("string").fillna("").str.lower().to_numpy(object)
    function = terrain["function"].astype("string").fillna("").str.lower().to_numpy(object)
    pairs = pd.Series(list(zip(kind, function, strict=True)))
    rules = list(zip(classes["kind"], classes["function"].fillna(""), classes["cls"], strict=True))
    classed = {
        pair: next((cls for one, begin, cls in rules if one == pair[0] and pair[1].startswith(begin)), "")
        for pair in pairs.unique()
    }
    return np.asarray(pairs.map(classed).to_numpy(object), dtype=object)


# Classes that are a line on everybody's map; a local street or a back garden is one only on a known border.
_KNOWN = ("main", "rail", "water")


def area_borders(edges: gpd.GeoDataFrame, *, label: Ints) -> gpd.GeoDataFrame:
    """Border stretches between areas, with the areas at both sides and whether the line is known.

    Parameters
    ----------
    edges : gpd.GeoDataFrame
        Borders of `build_blocks`.
    label : Ints
        Area per block; -1 for blocks in no area.

    Returns
    -------
    gpd.GeoDataFrame
        The rows of `edges` that are cut, with `area_a`, `area_b` and `known_line`.
    """
    if len(edges) and max(edges["a"].max(), edges["b"].max()) >= len(label):
        raise SchemaError("an area per block", found=f"{len(label)} areas", where="label")
    first, second = label[edges["a"].to_numpy()], label[edges["b"].to_numpy()]
    cut = first != second
    out = edges[cut].copy()
    out["area_a"], out["area_b"] = first[cut], second[cut]
    out["known_line"] = _known(out)
    return out


def _known(edges: pd.DataFrame) -> Flags:
    given = edges["cls"].isin(_KNOWN) | edges["on_buurt_border"].astype(bool)
    if "on_place_border" in edges:
        given |= edges["on_place_border"].astype(bool)
    return np.asarray(given, bool)
