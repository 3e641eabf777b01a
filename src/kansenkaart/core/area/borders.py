"""Borders between blocks: what class they are, whether people walk across, and what ties parts that lie apart."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from kansenkaart.core.area.graph import BORDER_CLASSES
from kansenkaart.core.area.grouping import joined
from kansenkaart.core.area.tessellate import Ridges
from kansenkaart.errors import SchemaError
from kansenkaart.kernel import Flags, Floats, Ints

WALLED = ("rail", "water")  # nobody walks across but at a crossing
_ALONG_M = 0.2  # a quay that shares the water's edge, give or take the drawing, does not cross it


@dataclass(frozen=True)
class BlockRules:
    """Sizes and distances of block making; all but the first are guesses of the project.

    Parameters
    ----------
    most_homes : int
        Homes above which a block is divided by building [home].
    aim_homes : int
        Homes up to which rows are merged where no streets are known [home].
    large_homes : int
        Homes from which a building is flagged as large and stays a unit by itself [home].
    row_gap_m : float
        Buildings nearer than this stand in one row [m].
    street_gap_m : float
        Gap below which no street fits: back gardens or one row [m].
    collector_gap_m, main_gap_m : float
        Gap from which a border without known street counts as a collector or a main road [m].
    walk_gap_m : float
        Gap beyond which nobody walks across where no street is known [m]: a railway yard, a lake, a park's width.
    link_homes : int
        Where no street is known, a part with fewer homes is taken to be walkable over the narrowest gap [home].
    kern_homes : int
        Homes from which a part that lies apart is a hamlet, and not scattered houses [home]; of the order of the least
        population centre of Statistics Netherlands (about 25 addresses), a guess.
    link_m : float
        Open land over which scattered houses and hamlets belong to the nearest larger part [m]: a few minutes on foot.
    same_street_tie : float
        How much stronger the tie between buildings of one street is [1].
    home_reach_m : float
        Farthest building that a home without a known pand is given to [m].
    land_reach_m : float
        Distance to which land belongs to the nearest building [m].
    crossing_m : float
        Stretch of water or rail around a crossing that counts as passable [m].
    spacing_m, inset_m : float
        Points along the walls: their distance, and how far inside the wall [m].
    """

    most_homes: int = 120
    aim_homes: int = 20
    large_homes: int = 50
    row_gap_m: float = 1.0
    street_gap_m: float = 6.0
    collector_gap_m: float = 30.0
    main_gap_m: float = 50.0
    walk_gap_m: float = 100.0
    link_homes: int = 300
    kern_homes: int = 25
    link_m: float = 300.0
    same_street_tie: float = 3.0
    home_reach_m: float = 30.0
    land_reach_m: float = 75.0
    crossing_m: float = 40.0
    spacing_m: float = 5.0
    inset_m: float = 0.25


def class_by_gap(gap: Floats, *, street_m: float, collector_m: float, main_m: float) -> npt.NDArray[np.str_]:
    """Class of a stretch where nothing but buildings is given: the wider the gap [m], the clearer the edge.

    Between buildings nearer than `street_m` runs no street: back gardens, sheds, an alley, or one row.

    Parameters
    ----------
    gap : Floats
        Distance between the buildings at each stretch [m].
    street_m, collector_m, main_m : float
        Gap from which a street, a collector and a main road fit [m].
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
        instead = f"{sorted(unknown)}" if "cls" in barriers else "no column cls"
        raise SchemaError(f"barriers of the classes {BORDER_CLASSES}", found=instead, where="barriers.cls")
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
    walled = np.isin(cls, WALLED)
    if barriers is None or not walled.any():
        return np.asarray(~walled)
    is_wall = barriers["cls"].isin(WALLED).to_numpy()
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
    narrow = np.repeat(leave[np.argsort(ridges.gap[leave], kind="stable")], 2)
    side = piece[np.where(np.arange(len(narrow)) % 2, b[narrow], a[narrow])]  # each stretch leads out of two pieces
    number, first = np.unique(side, return_index=True)
    out[narrow[first[few[number]]]] = True
    return out


def links_over_land(
    edges: pd.DataFrame,
    frame: pd.DataFrame,
    sites: tuple[Floats, Ints],
    *,
    rules: BlockRules,
    walls: npt.NDArray[np.object_],
) -> list[tuple[int, int, shapely.LineString]]:
    """Tie each part that is too small for an area to the nearest hamlet or town, if open land alone lies between.

    Parameters
    ----------
    edges, frame : DataFrame
        Borders (`a`, `b`, `passable`) and blocks (`homes`).
    sites : tuple[Floats, Ints]
        Points along the buildings, RD New [m], and the block of each.
    rules : BlockRules
        Homes of a hamlet and of a part that is large enough [home], and the farthest link [m].
    walls : array of shapely geometries
        Water and rail: no link crosses them.

    Returns
    -------
    list[tuple[int, int, LineString]]
        Blocks at both ends, and the line between their nearest points.
    """
    points, block = sites
    homes = frame["homes"].to_numpy(np.int64)
    walk = edges["passable"].to_numpy(bool)
    a, b = edges["a"].to_numpy(np.int64)[walk], edges["b"].to_numpy(np.int64)[walk]
    tree = shapely.STRtree(walls)
    links: list[tuple[int, int, shapely.LineString]] = []
    tried: set[tuple[int, int]] = set()
    while True:
        ends = np.array([one[:2] for one in links], np.int64).reshape(-1, 2)
        piece = joined(len(homes), np.r_[a, ends[:, 0]], np.r_[b, ends[:, 1]])
        size, first, count = np.bincount(piece, homes), np.unique(piece, return_index=True)[1], np.bincount(piece)
        small = np.flatnonzero((size > 0) & (size < rules.link_homes))
        waiting = [int(n) for n in small if (first[n], count[n]) not in tried]  # a part that grew is another
        if not waiting:
            return links
        number = min(waiting, key=lambda n: (size[n], first[n]))
        tried.add((first[number], count[number]))
        mine = piece[block] == number
        target = ~mine & (size[piece[block]] >= rules.kern_homes)
        link = _nearest_link(points, np.flatnonzero(mine), np.flatnonzero(target), rules.link_m)
        if link is not None and not len(tree.query(line := shapely.LineString(points[list(link)]), "intersects")):
            links.append((int(block[link[0]]), int(block[link[1]]), line))
            reached = piece[block[_around(points, mine, rules.link_m)]]  # may reach a place now
            tried -= {(first[n], count[n]) for n in np.unique(reached)}


def _around(points: Floats, some: Ints | Flags, most_m: float) -> Flags:
    """Return which sites lie in the box around some of them, widened by a distance [m]."""
    low, high = points[some].min(axis=0) - most_m, points[some].max(axis=0) + most_m
    inside: Flags = ((points >= low) & (points <= high)).all(axis=1)
    return inside


def _nearest_link(points: Floats, mine: Ints, others: Ints, most_m: float) -> tuple[int, int] | None:
    """Return the nearest two sites of two sets within a distance [m]."""
    near = others[_around(points, mine, most_m)[others]]
    if not len(near):
        return None
    far, place = (np.asarray(one) for one in cKDTree(points[near]).query(points[mine]))
    best = int(np.argmin(far))
    return (int(mine[best]), int(near[place[best]])) if far[best] <= most_m else None
