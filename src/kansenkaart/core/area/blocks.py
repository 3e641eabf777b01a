"""Building blocks: the smallest unit of area sizing, every home in exactly one, no building cut in two.

With streets, water and rail a block is the set of buildings between which one need not cross any of them. Without, rows of
touching buildings and their nearest neighbours are merged to about twenty homes, and the width of the gap stands in for
the class of the border; `basis` says which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from kansenkaart.core.area.graph import BORDER_CLASSES, BorderFactors, border_weights
from kansenkaart.core.area.grouping import agglomerated, divided, joined
from kansenkaart.core.area.tessellate import Ridges, block_shapes, ridges_between, sites_of
from kansenkaart.errors import CrsError, InfeasibleError, SchemaError
from kansenkaart.kernel import Flags, Floats, Ints

_WALLED = ("rail", "water")  # nobody walks across but at a crossing
_ALONG_M = 0.2  # a quay that shares the water's edge, give or take the drawing, does not cross it


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


def _class_by_barrier(ridges: Ridges, barriers: gpd.GeoDataFrame) -> tuple[npt.NDArray[np.str_], Flags]:
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


def _passable_stretches(
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


def _ways_out(ridges: Ridges, block: Ints, homes: Ints, passable: Flags, *, least: int) -> Flags:
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


def _street_of(home: gpd.GeoDataFrame, number: Ints, panden: int) -> Ints:
    """Return the street with most homes of each pand; -1 where unknown."""
    out = np.full(panden, -1, np.int64)
    if "street_name" not in home:
        return out
    code = pd.factorize(home["street_name"])[0]
    placed = (number >= 0) & (code >= 0)
    tally = pd.DataFrame({"pand": number[placed], "code": code[placed]}).value_counts(["pand", "code"]).reset_index()
    top = tally.sort_values(["count", "code"], ascending=[False, True]).drop_duplicates("pand")
    out[top["pand"].to_numpy()] = top["code"].to_numpy()
    return out


def _block_frame(
    pand: gpd.GeoDataFrame, homes: Ints, block: Ints, shapes: np.ndarray, made: tuple[str, int, list[str]]
) -> gpd.GeoDataFrame:
    """Make one row per block; `made` is the basis, the homes of a large building [home], and the columns to add up."""
    basis, large_homes, sums = made
    count = int(block.max()) + 1
    centre = shapely.get_coordinates(shapely.centroid(pand.geometry.to_numpy()))
    weight = homes + 1e-3
    mass = np.bincount(block, weight)
    largest = np.zeros(count, np.int64)
    np.maximum.at(largest, block, homes)
    frame = gpd.GeoDataFrame(
        {
            "block_id": np.arange(count),
            "homes": np.bincount(block, homes).astype(np.int64),
            "panden": np.bincount(block),
            "buurtcode": _most_homes(pand["buurtcode"], weight, block),
            "x": np.bincount(block, weight * centre[:, 0]) / mass,
            "y": np.bincount(block, weight * centre[:, 1]) / mass,
            "large_building": largest >= large_homes,
            "largest_homes": largest,
            "basis": basis,
        },
        geometry=shapes,
        crs=pand.crs,
    )
    if "place_name" in pand:
        frame["place_name"] = _most_homes(pand["place_name"], weight, block)
    for column in sums:
        frame[column] = np.bincount(block, pand[column].to_numpy(np.float64))
    return frame


def _most_homes(code: pd.Series, weight: np.ndarray, block: Ints) -> np.ndarray:
    """Code with most homes per block; missing where no building has one."""
    table = pd.DataFrame({"block": block, "code": code.to_numpy(), "weight": weight}).dropna(subset="code")
    total = table.groupby(["block", "code"], sort=True)["weight"].sum().reset_index()
    top = (
        total.sort_values("weight", ascending=False, kind="stable").drop_duplicates("block").set_index("block")["code"]
    )
    return top.reindex(range(int(block.max()) + 1)).to_numpy(object)


def _street_names(home: gpd.GeoDataFrame, number: Ints, block: Ints, count: int) -> list[str]:
    """Return the names of the streets per block, the one with most homes first."""
    names = [""] * count
    if "street_name" not in home:
        return names
    named = (number >= 0) & home["street_name"].notna().to_numpy()
    table = pd.DataFrame({"block": block[number[named]], "street": home["street_name"].to_numpy()[named]})
    tally = table.value_counts(["block", "street"]).reset_index()
    tally = tally.sort_values(["block", "count", "street"], ascending=[True, False, True])
    for key, street in zip(tally["block"], tally["street"], strict=True):
        names[key] += f"; {street}" if names[key] else str(street)
    return names


def _edge_frame(
    ridges: Ridges, block: Ints, frame: gpd.GeoDataFrame, kind: tuple[np.ndarray, Flags], factors: BorderFactors
) -> gpd.GeoDataFrame:
    """One row per pair of blocks, class and passability, with the stretches that make it up."""
    side = np.where(ridges.j >= 0, block[ridges.j], -1)
    use = (side >= 0) & (side != block[ridges.i])
    part = pd.DataFrame(
        {
            "a": np.minimum(block[ridges.i], side)[use],
            "b": np.maximum(block[ridges.i], side)[use],
            "cls": kind[0][use],
            "passable": kind[1][use],
            "length_m": ridges.length[use],
        }
    )
    keys = ["a", "b", "cls", "passable"]
    group = part.groupby(keys, sort=True)
    edges = group["length_m"].sum().reset_index()
    index = group.ngroup().to_numpy()
    order = np.argsort(index, kind="stable")
    lines = shapely.multilinestrings(shapely.linestrings(ridges.ends[use])[order], indices=index[order])
    code = pd.factorize(frame["buurtcode"])[0]
    edges["on_buurt_border"] = code[edges["a"]] != code[edges["b"]]
    if "place_name" in frame:
        place = pd.factorize(frame["place_name"])[0]
        edges["on_place_border"] = place[edges["a"]] != place[edges["b"]]
    edges["weight_m"] = border_weights(edges, factors=factors)
    return gpd.GeoDataFrame(edges, geometry=lines, crs=frame.crs)


_RD = 28992


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
    same_street_tie: float = 3.0
    home_reach_m: float = 30.0
    land_reach_m: float = 75.0
    crossing_m: float = 40.0
    spacing_m: float = 5.0
    inset_m: float = 0.25


@dataclass(frozen=True, eq=False)
class Blocks:
    """Blocks, their borders, and the homes that have no place.

    Parameters
    ----------
    frame : gpd.GeoDataFrame
        `block_id`, `homes` [home], `panden`, `buurtcode`, `x`, `y` [m], `ext_m` [m], `large_building`, `largest_homes`
        [home], `streets`, `basis`, the summed attributes, `geometry`.
    edges : gpd.GeoDataFrame
        `a`, `b`, `length_m` [m], `cls`, `passable`, `on_buurt_border`, `weight_m` [m], `geometry`: the border stretch.
    block_of_pand, block_of_home : pd.Series
        Block per pand_id and per home_id; -1 for a home without coordinates.
    dropped, noted : dict[str, int]
        Homes that were not placed, and homes that stand for a building themselves, by reason.
    """

    frame: gpd.GeoDataFrame
    edges: gpd.GeoDataFrame
    block_of_pand: pd.Series
    block_of_home: pd.Series
    dropped: dict[str, int]
    noted: dict[str, int]


def build_blocks(
    pand: gpd.GeoDataFrame,
    home: gpd.GeoDataFrame,
    *,
    factors: BorderFactors,
    barriers: gpd.GeoDataFrame | None = None,
    crossings: gpd.GeoDataFrame | None = None,
    sums: Sequence[str] = (),
    rules: BlockRules | None = None,
) -> Blocks:
    """Make blocks of footprints and homes, with streets, water and rail where they are known.

    A home without a pand within reach stands for a building at its own point, so that every home with coordinates is in
    exactly one block.

    Parameters
    ----------
    pand : gpd.GeoDataFrame
        `pand_id`, `buurtcode`, footprints in RD New, and where known `place_name`; may be empty, then the homes' points
        stand in for them.
    home : gpd.GeoDataFrame
        `home_id`, `pand_id`, points in RD New, and where known `street_name`.
    factors : BorderFactors
        Weights of the borders [1].
    barriers : gpd.GeoDataFrame, optional
        Lines or areas with `cls`: local, collector, main, rail or water.
    crossings : gpd.GeoDataFrame, optional
        Where people walk over water and rail, besides the streets among the barriers: paths and bridges.
    sums : Sequence[str]
        Columns of `pand` to add up per block; unknown values stay unknown.
    rules : BlockRules, optional
        Sizes and distances.

    Raises
    ------
    CrsError
        Coordinates that are not RD New.
    SchemaError
        A missing column or a pand twice.
    InfeasibleError
        No homes at all.
    """
    rules = rules or BlockRules()
    _check(pand, home, barriers, sums)
    real = len(pand)
    number = _building_of(pand, home, rules.home_reach_m)
    pand, number, dropped, noted = _points_as_buildings(pand, home, number, rules.home_reach_m)
    basis = ("footprint" if real else "address_points") + ("+streets" if barriers is not None else "")
    homes = np.bincount(number[number >= 0], minlength=len(pand)).astype(np.int64)
    points, owner = sites_of(pand.geometry.to_numpy(), spacing_m=rules.spacing_m, inset_m=rules.inset_m)
    ridges = ridges_between(points, owner, reach_m=rules.land_reach_m)
    cls, street = _classes(ridges, barriers, rules)
    passable = _passable_stretches(ridges, cls, barriers, crossing_m=rules.crossing_m, crossings=crossings)
    passable &= (barriers is not None) | (ridges.gap <= rules.walk_gap_m)
    codes = pd.factorize(pand["buurtcode"])[0], _street_of(home, number, len(pand))
    block = _group(ridges, street, homes, codes, rules, merge=barriers is None)
    while barriers is None:
        more = _ways_out(ridges, block, homes, passable, least=rules.link_homes) & ~passable
        if not more.any():
            break
        passable |= more
    shapes = block_shapes(ridges, block, points, owner)
    frame = _block_frame(pand, homes, block, shapes, (basis, rules.large_homes, list(sums)))
    frame["ext_m"] = np.bincount(block[ridges.i[ridges.j < 0]], ridges.length[ridges.j < 0], minlength=len(frame))
    frame["streets"] = _street_names(home, number, block, len(frame))
    edges = _edge_frame(ridges, block, frame, (cls, passable), factors)
    places = pd.Series(block[:real], index=pand["pand_id"].to_numpy()[:real], name="block_id")
    stands = pd.Series(np.where(number >= 0, block[number], -1), index=home["home_id"].to_numpy(), name="block_id")
    return Blocks(frame, edges, places, stands, dropped, noted)


def _check(
    pand: gpd.GeoDataFrame, home: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame | None, sums: Sequence[str]
) -> None:
    for name, frame, columns in (
        ("pand", pand, {"pand_id", "buurtcode", *sums}),
        ("home", home, {"home_id", "pand_id"}),
        ("barriers", barriers, {"cls"}),
    ):
        if frame is None or (name == "pand" and frame.empty):
            continue
        if missing := columns - set(frame.columns):
            raise SchemaError(f"columns {sorted(columns)}", found=f"no {sorted(missing)}", where=name)
        if frame.crs is None or frame.crs.to_epsg() != _RD:
            raise CrsError("RD New (EPSG:28992)", found=str(frame.crs), where=name, remedy="reproject it first")
    if home.empty:
        raise InfeasibleError(
            "homes to divide", found="none", where="home", remedy="check the filter on use and status"
        )
    if not pand.empty and pand["pand_id"].duplicated().any():
        raise SchemaError("one row per pand", found="a pand_id twice", where="pand.pand_id")


def _building_of(pand: gpd.GeoDataFrame, home: gpd.GeoDataFrame, reach_m: float) -> Ints:
    """Return the building of each home: by its pand_id, else the nearest within reach [m], else -1."""
    number: Ints = pd.Index(pand["pand_id"]).get_indexer(home["pand_id"]).astype(np.int64)
    without = np.flatnonzero((number < 0) & _placed(home))
    if len(pand) and len(without):
        (row, nearest), _ = shapely.STRtree(pand.geometry.to_numpy()).query_nearest(
            home.geometry.to_numpy()[without], max_distance=reach_m, return_distance=True, all_matches=False
        )
        number[without[row]] = nearest
    return number


def _placed(home: gpd.GeoDataFrame) -> Flags:
    placed: Flags = (home.geometry.notna() & ~home.geometry.is_empty).to_numpy(bool)
    return placed


def _points_as_buildings(
    pand: gpd.GeoDataFrame, home: gpd.GeoDataFrame, number: Ints, reach_m: float
) -> tuple[gpd.GeoDataFrame, Ints, dict[str, int], dict[str, int]]:
    """Let homes at one spot without a building stand for a building there; tell how many, and how many have no spot."""
    alone = np.flatnonzero((number < 0) & _placed(home))
    dropped = {"no pand and no coordinates": int((number < 0).sum()) - len(alone)}
    if not len(alone):
        return pand, number, dropped, {}
    points = shapely.centroid(home.geometry.to_numpy()[alone])
    spot = pd.factorize(pd.Series(list(map(tuple, np.round(shapely.get_coordinates(points), 2)))))[0]
    first = np.unique(spot, return_index=True)[1]
    rows: dict[str, object] = {"pand_id": [f"home {key}" for key in home["home_id"].to_numpy()[alone[first]]]}
    rows |= {name: home[name].to_numpy()[alone[first]] for name in ("buurtcode", "place_name") if name in home}
    extra = gpd.GeoDataFrame(rows, geometry=points[first], crs=home.crs)
    if "buurtcode" not in extra:
        extra["buurtcode"] = None
    number = number.copy()
    number[alone] = len(pand) + spot
    together = extra if pand.empty else gpd.GeoDataFrame(pd.concat([pand, extra], ignore_index=True), crs=pand.crs)
    return together, number, dropped, {f"no pand within {reach_m:g} m: at their own point": len(alone)}


def _classes(ridges: Ridges, barriers: gpd.GeoDataFrame | None, rules: BlockRules) -> tuple[np.ndarray, Flags]:
    if barriers is not None:
        return _class_by_barrier(ridges, barriers)
    cls = class_by_gap(
        ridges.gap, street_m=rules.street_gap_m, collector_m=rules.collector_gap_m, main_m=rules.main_gap_m
    )
    return cls, ridges.gap > rules.row_gap_m


def _group(
    ridges: Ridges, street: Flags, homes: Ints, codes: tuple[Ints, Ints], rules: BlockRules, *, merge: bool
) -> Ints:
    """Put buildings in blocks: joined where no street lies between, divided where too large, merged where nothing is known."""
    buurt, name = codes
    within = ridges.j >= 0
    within[within] = buurt[ridges.i[within]] == buurt[ridges.j[within]]
    one = within & ~street
    row = joined(len(homes), ridges.i[one], ridges.j[one])
    large = homes >= rules.large_homes
    row[large] = row.max() + 1 + np.arange(large.sum())
    row = divided(row, homes, (ridges.i[one], ridges.j[one], ridges.length[one]), most=rules.most_homes)
    if not merge:
        return row
    a, b = row[ridges.i[within]], row[ridges.j[within]]
    tie = ridges.length[within] / (rules.row_gap_m + ridges.gap[within])
    first, second = name[ridges.i[within]], name[ridges.j[within]]
    tie = np.where((first == second) & (first >= 0), tie * rules.same_street_tie, tie)
    apart = (a != b) & (ridges.gap[within] <= rules.main_gap_m)
    pairs = np.minimum(a, b)[apart], np.maximum(a, b)[apart], tie[apart]
    total = np.bincount(row, homes).astype(np.int64)
    return agglomerated(total, pairs, aim=rules.aim_homes, alone=rules.large_homes)[row]
