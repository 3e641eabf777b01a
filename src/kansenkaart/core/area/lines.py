"""The lines that bound blocks, of the register's terrain and road sections: which are streets, water, rail, and crossings."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from kansenkaart.core.area.graph import BORDER_CLASSES
from kansenkaart.errors import ConfigError

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
    found = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=parts[0].crs)
    shape = found.geometry.to_numpy()
    width = 2 * shapely.area(shape) / np.maximum(shapely.length(shape) - 2 * ditch_m, ditch_m)
    ditch = (found["cls"] == "water").to_numpy() & (shapely.area(shape) > 0) & (width < ditch_m)
    found = found[~ditch]
    bounds = found["cls"].isin(BORDER_CLASSES)
    return found[bounds].reset_index(drop=True), found[~bounds].reset_index(drop=True)


def covered_share(homes: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame, *, reach_m: float) -> float:
    """Share of the homes with a known street within reach [m]: below 1 where the terrain covers part of the place only."""
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
    known = {
        pair: next((cls for one, begin, cls in rules if one == pair[0] and pair[1].startswith(begin)), "")
        for pair in pairs.unique()
    }
    return np.asarray(pairs.map(known).to_numpy(object), dtype=object)
