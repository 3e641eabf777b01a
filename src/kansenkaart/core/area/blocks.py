"""Building blocks: the smallest unit of area sizing, every home in exactly one, no building cut in two.

With streets, water and rail a block is the set of buildings between which one need not cross any of them. Without, rows of
touching buildings and their nearest neighbours are merged to about twenty homes, and the width of the gap stands in for
the class of the border; `basis` says which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from kansenkaart.core.area.borders import (
    WALLED,
    BlockRules,
    class_by_barrier,
    class_by_gap,
    links_over_land,
    passable_stretches,
    ways_out,
)
from kansenkaart.core.area.graph import BorderFactors, border_weights
from kansenkaart.core.area.grouping import agglomerated, divided, joined
from kansenkaart.core.area.tessellate import Ridges, block_shapes, ridges_between, sites_of
from kansenkaart.errors import CrsError, InfeasibleError, SchemaError
from kansenkaart.kernel import Flags, Ints


class Addresses(NamedTuple):
    """What the homes of each building say of where it stands: its buurt, its street, and its side of the street.

    Each is a number, -1 where it is not given; the side is 0 for even house numbers, 1 for odd ones, -1 for both.
    """

    buurt: Ints
    street: Ints
    side: Ints


def _addresses(pand: gpd.GeoDataFrame, home: gpd.GeoDataFrame, number: Ints) -> Addresses:
    """Take buurt, street and side of each building from its homes; the street with most homes counts."""
    street, side = np.full((2, len(pand)), -1, np.int64)
    name = home["street_name"].astype("object") if "street_name" in home else pd.Series(None, index=home.index)
    code = pd.factorize(name.fillna(home["street_id"].astype("object")) if "street_id" in home else name)[0]
    placed = (number >= 0) & (code >= 0)
    tally = pd.DataFrame({"pand": number[placed], "code": code[placed]}).value_counts(["pand", "code"]).reset_index()
    top = tally.sort_values(["count", "code"], ascending=[False, True]).drop_duplicates("pand")
    street[top["pand"].to_numpy()] = top["code"].to_numpy()
    if "house_number" in home:
        numbered = placed & home["house_number"].notna().to_numpy()
        odd = home["house_number"].to_numpy(float, na_value=0)[numbered].astype(np.int64) % 2
        table = pd.DataFrame({"pand": number[numbered], "odd": odd}).groupby("pand")["odd"].agg(["min", "max"])
        one = table[table["min"] == table["max"]]
        side[one.index.to_numpy()] = one["min"].to_numpy()
    return Addresses(pd.factorize(pand["buurtcode"])[0].astype(np.int64), street, side)


def facing(ridges: Ridges, at: Addresses, rules: BlockRules) -> Flags:
    """Flag the stretches with odd numbers of a street on one side and even ones on the other: the street lies between.

    Only streets whose neighbours along one side are odd or even alike are numbered so that this says anything.

    Parameters
    ----------
    ridges : Ridges
        Stretches of border between buildings.
    at : Addresses
        Street and side of each building.
    rules : BlockRules
        Gaps in which a street fits [m].

    Returns
    -------
    Flags
        One per stretch.
    """
    i, j = ridges.i, np.maximum(ridges.j, 0)
    same = (
        (ridges.j >= 0) & (at.street[i] == at.street[j]) & (at.street[i] >= 0) & (at.side[i] >= 0) & (at.side[j] >= 0)
    )
    alike = at.side[i] == at.side[j]
    row = same & (ridges.gap <= rules.street_gap_m)
    streets = int(at.street.max()) + 2
    pairs = np.bincount(at.street[i][row], minlength=streets)
    good = np.bincount(at.street[i][row & alike], minlength=streets) >= _ALIKE * np.maximum(pairs, 1)
    between = (ridges.gap > rules.street_gap_m) & (ridges.gap <= rules.main_gap_m)
    return np.asarray(same & ~alike & between & good[at.street[i]])


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
_ALIKE = 0.8  # share of neighbours along a street on one side of the numbers, a guess [1]


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
    passable = passable_stretches(ridges, cls, barriers, crossing_m=rules.crossing_m, crossings=crossings)
    passable &= (barriers is not None) | (ridges.gap <= rules.walk_gap_m)
    at = _addresses(pand, home, number)
    block = _group(ridges, street, homes, at, rules, merge=barriers is None)
    across = facing(ridges, at, rules) & (ridges.j >= 0)
    torn = np.unique(block[ridges.i[across]][block[ridges.i[across]] == block[ridges.j[across]]])
    noted |= {"blocks with a street of their own inside": len(torn)} if len(torn) else {}
    while barriers is None:
        more = ways_out(ridges, block, homes, passable, least=rules.link_homes) & ~passable
        if not more.any():
            break
        passable |= more
    shapes = block_shapes(ridges, block, points, owner)
    frame = _block_frame(pand, homes, block, shapes, (basis, rules.large_homes, list(sums)))
    frame["ext_m"] = np.bincount(block[ridges.i[ridges.j < 0]], ridges.length[ridges.j < 0], minlength=len(frame))
    frame["streets"] = _street_names(home, number, block, len(frame))
    edges = _edge_frame(ridges, block, frame, (cls, passable), factors)
    links = links_over_land(edges, frame, (points, block[owner]), rules=rules, walls=_walls(barriers))
    edges = _with_links(edges, links, frame)
    places = pd.Series(block[:real], index=pand["pand_id"].to_numpy()[:real], name="block_id")
    stands = pd.Series(np.where(number >= 0, block[number], -1), index=home["home_id"].to_numpy(), name="block_id")
    return Blocks(frame, edges, places, stands, dropped, noted)


def _walls(barriers: gpd.GeoDataFrame | None) -> npt.NDArray[np.object_]:
    """Return the water and rail among the barriers."""
    if barriers is None:
        return np.empty(0, dtype=object)
    return np.asarray(barriers.geometry.to_numpy()[barriers["cls"].isin(WALLED).to_numpy()], dtype=object)


def _with_links(
    edges: gpd.GeoDataFrame, links: list[tuple[int, int, shapely.LineString]], frame: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Add the links over open land as borders without length: they tie parts, and cutting them costs nothing."""
    if not links:
        return edges
    ends = np.sort(np.array([one[:2] for one in links], np.int64), axis=1)
    rows = gpd.GeoDataFrame(
        {"a": ends[:, 0], "b": ends[:, 1], "cls": "main", "passable": True, "length_m": 0.0, "weight_m": 0.0},
        geometry=shapely.multilinestrings([[one[2]] for one in links]),
        crs=edges.crs,
    )
    for name, column in (("on_buurt_border", "buurtcode"), ("on_place_border", "place_name")):
        if name in edges:
            code = pd.factorize(frame[column])[0]
            rows[name] = code[rows["a"]] != code[rows["b"]]
    return gpd.GeoDataFrame(pd.concat([edges, rows[edges.columns]], ignore_index=True), crs=edges.crs)


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
    noted = {f"no pand within {reach_m:g} m: at their own point": len(alone)}
    return together, number, dropped, noted


def _classes(ridges: Ridges, barriers: gpd.GeoDataFrame | None, rules: BlockRules) -> tuple[np.ndarray, Flags]:
    if barriers is not None:
        return class_by_barrier(ridges, barriers)
    cls = class_by_gap(
        ridges.gap, street_m=rules.street_gap_m, collector_m=rules.collector_gap_m, main_m=rules.main_gap_m
    )
    return cls, ridges.gap > rules.row_gap_m


def _group(ridges: Ridges, street: Flags, homes: Ints, at: Addresses, rules: BlockRules, *, merge: bool) -> Ints:
    """Put buildings in blocks: joined where no street lies between, divided where too large, merged where nothing is known."""
    buurt, name = at.buurt, at.street
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
    across = facing(ridges, at, rules)[within]
    near = (a != b) & (ridges.gap[within] <= rules.main_gap_m) & ~across
    pairs = np.minimum(a, b)[near], np.maximum(a, b)[near], tie[near]
    total = np.bincount(row, homes).astype(np.int64)
    apart = np.minimum(a, b)[across], np.maximum(a, b)[across]
    return agglomerated(total, pairs, apart, aim=rules.aim_homes, alone=rules.large_homes)[row]
