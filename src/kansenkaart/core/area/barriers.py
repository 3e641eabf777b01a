"""Which border a stretch between two buildings is: the street, water or rail that the way across it meets."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from kansenkaart.core.area.graph import BORDER_CLASSES
from kansenkaart.core.area.kernel import Flags, Floats, Ints
from kansenkaart.core.area.merge import joined
from kansenkaart.core.area.tessellate import Ridges
from kansenkaart.errors import SchemaError

_WALLED = ("rail", "water")  # nobody walks across but at a crossing
_ALONG_M = 0.2  # a quay that shares the water's edge, give or take the drawing, does not cross it


def class_by_gap(gap: Floats, *, street_m: float, collector_m: float, main_m: float) -> npt.NDArray[np.str_]:
    """Class of a stretch when only the buildings are known: the wider the gap [m], the clearer the edge.

    Between buildings nearer than `street_m` runs no street: back gardens, sheds, an alley, or one row.
    """
    names = np.array(["garden", "local", "collector", "main"])
    return names[np.searchsorted([street_m, collector_m, main_m], gap, side="right")]


def class_by_barrier(ridges: Ridges, barriers: gpd.GeoDataFrame) -> tuple[npt.NDArray[np.str_], Flags]:
    """Class of each stretch and whether it is a street at all: the strongest barrier that the way across meets.

    Parameters
    ----------
    ridges : Ridges
        The stretches.
    barriers : gpd.GeoDataFrame
        Lines or areas with `cls`, one of `BORDER_CLASSES`.

    Returns
    -------
    tuple
        Class per stretch (`garden` where nothing is met) and a flag where something is met.
    """
    if "cls" not in barriers or (unknown := set(barriers["cls"]) - set(BORDER_CLASSES)):
        found = f"{sorted(unknown)}" if "cls" in barriers else "no column cls"
        raise SchemaError(f"barriers of the classes {BORDER_CLASSES}", found=found, where="barriers.cls")
    strength = barriers["cls"].map({name: rank for rank, name in enumerate(BORDER_CLASSES)}).to_numpy(np.int64)
    tree = shapely.STRtree(barriers.geometry.to_numpy())
    met_ridge, met_barrier = tree.query(shapely.linestrings(ridges.link), predicate="intersects")
    top = np.full(len(ridges.i), -1, np.int64)
    np.maximum.at(top, met_ridge, strength[met_barrier])
    return np.array(BORDER_CLASSES)[np.maximum(top, 0)], top >= 0


def passable_stretches(
    ridges: Ridges,
    cls: npt.NDArray[np.str_],
    barriers: gpd.GeoDataFrame | None,
    *,
    crossing_m: float,
    crossings: gpd.GeoDataFrame | None = None,
) -> Flags:
    """Whether people can walk across: always over streets, over water and rail only within `crossing_m` [m] of a crossing.

    A crossing is where a street, a path or a bridge lies over the water or the rail: running along it is not enough.
    """
    walled = np.isin(cls, _WALLED)
    if barriers is None or not walled.any():
        return np.asarray(~walled)
    is_wall = barriers["cls"].isin(_WALLED).to_numpy()
    walls, ways = barriers.geometry.to_numpy()[is_wall], barriers.geometry.to_numpy()[~is_wall]
    if crossings is not None:
        ways = np.r_[ways, crossings.geometry.to_numpy()]
    inner = shapely.buffer(walls, -_ALONG_M)
    inner = np.where(shapely.is_empty(inner), walls, inner)
    way, wall = shapely.STRtree(inner).query(ways, predicate="intersects")
    if not len(way):
        return np.asarray(~walled)
    spots = shapely.get_parts(shapely.intersection(ways[way], inner[wall]))
    middle = shapely.points(ridges.ends[walled].mean(axis=1))
    near = shapely.STRtree(spots).query(middle, predicate="dwithin", distance=crossing_m)[0]
    passable = ~walled
    passable[np.flatnonzero(walled)[np.unique(near)]] = True
    return np.asarray(passable)


def ways_out(ridges: Ridges, block: Ints, homes: Ints, passable: Flags, *, least: int) -> Flags:
    """Flag the narrowest stretch that leads out of each walkable piece with fewer than `least` homes [home].

    Where no street is known, a house beyond a wide gap is nearer to its neighbours than to nobody.
    """
    out = np.zeros(len(ridges.i), bool)
    land = ridges.j >= 0
    a, b = block[ridges.i], block[np.maximum(ridges.j, 0)]
    walk = land & passable & (a != b)
    piece = joined(int(block.max()) + 1, a[walk], b[walk])
    few = np.bincount(piece[block], homes) < least
    leave = np.flatnonzero(land & (piece[a] != piece[b]) & (few[piece[a]] | few[piece[b]]))
    narrow = leave[np.argsort(ridges.gap[leave], kind="stable")]
    for side in (a, b):
        mine = narrow[few[piece[side[narrow]]]]
        out[mine[np.unique(piece[side[mine]], return_index=True)[1]]] = True
    return out
