"""Homes, panden, surfaces and pipes put on the street they front and the sewer they drain to, with rule and distance.

Nothing disappears: what finds no street or sewer stays in the table, with the reason in `assigned_by`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from kansenkaart.core.water.arrays import Floats, Ints, Objects, kept, nearest_sides, objects, sides_of, taken
from kansenkaart.errors import ConfigError

# Groups are laid this far apart [m], so that one search for the nearest finds members of the own group only.
_APART_M = 4.0e6
# Distances that differ by less than this are one distance [m].
TIE_M = 1e-4


@dataclass(frozen=True)
class Reach:
    """How far each rule may look.

    Parameters
    ----------
    name_m : float
        From a home to a street of its own name [m] (guess: deep gardens and courts included).
    nearest_m : float
        From a home or pand without a known name to any street [m] (guess: half a building block).
    surface_m : float
        From a surface to its street [m]; 40 is the reach of the BGT-inlooptool from surface to facility.
    yard_m : float
        From a point in a yard to the pand it belongs to [m] (guess).
    sewer_m : float
        From a home or street to a sewer pipe [m]; the distance of the old rule on discharge (Blah art. 7, lapsed in 2024).
    pand_water_m : float
        A pand this near to open water drains into it [m]; BGT-inlooptool.
    surface_water_m : float
        A public surface this near to open water drains into it [m]; BGT-inlooptool.
    sample_m : float
        Step of the sample points that part a surface over its streets [m].
    """

    name_m: float = 150.0
    nearest_m: float = 60.0
    surface_m: float = 40.0
    yard_m: float = 30.0
    sewer_m: float = 40.0
    pand_water_m: float = 6.0
    surface_water_m: float = 2.0
    sample_m: float = 2.0

    def __post_init__(self) -> None:
        if self.sample_m <= 0:
            raise ConfigError("a sample step above 0 m", found=str(self.sample_m), where="Reach.sample_m")


def nearest(points: Objects, *, targets: Objects, reach_m: float) -> tuple[Ints, Floats]:
    """Position of the nearest target (-1: none within reach) and its distance [m, NaN] for each geometry.

    Of targets that lie equally far (to a tenth of a millimetre), the first.

    Parameters
    ----------
    points, targets : array of geometry
        What looks, and what is looked for [m RD New].
    reach_m : float
        Largest distance [m].
    """
    position = np.full(len(points), -1, dtype=np.int64)
    away = np.full(len(points), np.nan)
    usable = ~(shapely.is_missing(targets) | shapely.is_empty(targets))
    if usable.any() and len(points):
        where = np.flatnonzero(usable)
        tree = shapely.STRtree(targets[usable])
        hits, distance = tree.query_nearest(points, max_distance=reach_m, return_distance=True, all_matches=False)
        away[hits[0]] = distance
        seen = hits[0]
        # At a corner two targets lie equally far, to rounding: then the first in the order given.
        alike = tree.query(points[seen], predicate="dwithin", distance=distance + TIE_M)
        first = np.full(len(seen), len(where), dtype=np.int64)
        np.minimum.at(first, alike[0], alike[1])
        position[seen] = where[first]
    return position, away


def nearest_alike(
    points: Objects, *, targets: Objects, groups: tuple[npt.ArrayLike, npt.ArrayLike], reach_m: float
) -> tuple[Ints, Floats]:
    """Nearest target of the same group (name, street ...); unknown groups match nothing.

    Parameters
    ----------
    points, targets : array of geometry
        What looks, and what is looked for [m RD New].
    groups : tuple of array_like
        Group of each point and of each target.
    reach_m : float
        Largest distance [m].
    """
    both = pd.Series(np.concatenate([np.asarray(side, dtype=object) for side in groups]), dtype="object")
    code = pd.factorize(both)[0]
    mine, theirs = code[: len(points)], code[len(points) :]
    shifted = _shifted(targets, theirs)
    return nearest(_shifted(points, mine), targets=shifted, reach_m=reach_m)


def _shifted(shapes: Objects, code: Ints) -> Objects:
    grouped = code >= 0
    moved = kept(shapes, grouped)
    numbers = np.repeat(code, shapely.get_num_coordinates(moved))
    xy = shapely.get_coordinates(moved)
    return np.asarray(shapely.set_coordinates(moved, xy + np.column_stack([numbers * _APART_M, 0.0 * numbers])))


def assign_homes(home: gpd.GeoDataFrame, *, street: gpd.GeoDataFrame, reach: Reach) -> pd.DataFrame:
    """Put each home on a street: of its own name within reach, else the nearest, else nowhere with a reason.

    Parameters
    ----------
    home : GeoDataFrame
        `home_id`, `street_name` (may be unknown) and points.
    street : GeoDataFrame
        From `build_streets`.
    reach : Reach
        Distances [m].

    Returns
    -------
    DataFrame
        `home_id`, `street_id`, `assigned_by` (name, nearest, none: reason), `distance_m` [m].
    """
    points, targets = home.geometry.to_numpy(), street.geometry.to_numpy()
    groups = (
        objects(home["street_name"]),
        objects(street["street_name"]),
    )
    named, named_m = nearest_alike(points, targets=targets, groups=groups, reach_m=reach.name_m)
    near, near_m = nearest(points, targets=targets, reach_m=reach.nearest_m)
    chosen = np.where(named >= 0, named, near)
    absent = shapely.is_missing(points) | shapely.is_empty(points)
    rule = np.where(named >= 0, "name", np.where(near >= 0, "nearest", "none: no street within reach"))
    return pd.DataFrame(
        {
            "home_id": home["home_id"].to_numpy(),
            "street_id": taken(street["street_id"], chosen),
            "assigned_by": np.where(absent, "none: no geometry", rule),
            "distance_m": np.where(named >= 0, named_m, near_m),
        }
    )


def assign_panden(
    pand: gpd.GeoDataFrame, *, home: gpd.GeoDataFrame, home_street: pd.DataFrame, street: gpd.GeoDataFrame, reach: Reach
) -> pd.DataFrame:
    """Put each pand on the street of most of its homes, else the nearest street, else nowhere with a reason.

    Parameters
    ----------
    pand : GeoDataFrame
        `pand_id` and polygons.
    home : GeoDataFrame
        `home_id`, `pand_id`.
    home_street : DataFrame
        From `assign_homes`.
    street : GeoDataFrame
        From `build_streets`.
    reach : Reach
        Distances [m].
    """
    joined = home[["home_id", "pand_id"]].merge(home_street, on="home_id").dropna(subset=["pand_id", "street_id"])
    votes = joined.groupby(["pand_id", "street_id"]).agg(homes=("home_id", "size"), distance_m=("distance_m", "mean"))
    votes = votes.reset_index().sort_values(["homes", "distance_m"], ascending=[True, False], kind="stable")
    best = votes.drop_duplicates("pand_id", keep="last").set_index("pand_id").reindex(pand["pand_id"])
    near, near_m = nearest(pand.geometry.to_numpy(), targets=street.geometry.to_numpy(), reach_m=reach.nearest_m)
    by_home = best["street_id"].notna().to_numpy()
    return pd.DataFrame(
        {
            "pand_id": pand["pand_id"].to_numpy(),
            "street_id": np.where(by_home, best["street_id"].to_numpy(dtype=object), taken(street["street_id"], near)),
            "assigned_by": np.where(by_home, "homes", np.where(near >= 0, "nearest", "none: no street within reach")),
            "distance_m": np.where(by_home, best["distance_m"].to_numpy(dtype=float), near_m),
        }
    )


def assign_pipes(pipe: gpd.GeoDataFrame, *, street: gpd.GeoDataFrame, reach: Reach) -> pd.DataFrame:
    """Put each pipe on the street that its register names, else the street nearest to its middle.

    Names are compared without capitals and blanks at the ends.

    Parameters
    ----------
    pipe : GeoDataFrame
        `pipe_id`, `street_name` (may be unknown) and lines.
    street : GeoDataFrame
        From `build_streets`.
    reach : Reach
        Distances [m].
    """
    middle = shapely.line_interpolate_point(pipe.geometry.to_numpy(), 0.5, normalized=True)
    targets = street.geometry.to_numpy()
    groups = (_folded(pipe["street_name"]), _folded(street["street_name"]))
    named, named_m = nearest_alike(middle, targets=targets, groups=groups, reach_m=reach.name_m)
    near, near_m = nearest(middle, targets=targets, reach_m=reach.surface_m)
    return pd.DataFrame(
        {
            "pipe_id": pipe["pipe_id"].to_numpy(),
            "street_id": taken(street["street_id"], np.where(named >= 0, named, near)),
            "assigned_by": np.where(named >= 0, "name", np.where(near >= 0, "nearest", "none: no street within reach")),
            "distance_m": np.where(named >= 0, named_m, near_m),
        }
    )


def _folded(names: pd.Series) -> Objects:
    folded = names.astype("string").str.strip().str.casefold()
    return objects(folded.where(folded != ""))


def connect(
    shapes: Objects, *, street_id: npt.ArrayLike, pipe: gpd.GeoDataFrame, pipe_street: npt.ArrayLike, reach_m: float
) -> pd.DataFrame:
    """Find the pipe that homes or surfaces drain to: the nearest in their own street, else the nearest of all.

    Where two lie equally far, as at a bend, the lower identification: the order of the rows does not matter.

    Parameters
    ----------
    shapes : array of geometry
        Homes or surfaces [m RD New].
    street_id : array_like
        Street of each shape; unknown allowed.
    pipe : GeoDataFrame
        `pipe_id` and lines: only the pipes that may receive this water.
    pipe_street : array_like
        Street of each pipe.
    reach_m : float
        Largest distance [m].

    Returns
    -------
    DataFrame
        `pipe_id`, `connected_by` (street, nearest, none: reason), `pipe_distance_m` [m].
    """
    order = np.argsort(pipe["pipe_id"].astype(str).to_numpy(), kind="stable")
    pipe, pipe_street = pipe.iloc[order], np.asarray(pipe_street, dtype=object)[order]
    targets = pipe.geometry.to_numpy()
    own, own_m = nearest_alike(shapes, targets=targets, groups=(street_id, pipe_street), reach_m=2 * reach_m)
    near, near_m = nearest(shapes, targets=targets, reach_m=reach_m)
    return pd.DataFrame(
        {
            "pipe_id": taken(pipe["pipe_id"], np.where(own >= 0, own, near)),
            "connected_by": np.where(own >= 0, "street", np.where(near >= 0, "nearest", "none: no sewer within reach")),
            "pipe_distance_m": np.where(own >= 0, own_m, near_m),
        }
    )


SURFACE_COLUMNS = ["surface_id", "kind", "street_id", "area_m2", "paved_m2", "assigned_by", "distance_m", "drains_to"]

# Paved share [1] by BGT fysiek voorkomen; half-paved 50 % as the BGT-inlooptool counts it.
PAVED_FRAC = {
    "gesloten verharding": 1.0,
    "open verharding": 1.0,
    "half verhard": 0.5,
    "onverhard": 0.0,
    "zand": 0.0,
    "groenvoorziening": 0.0,
}


#: Points of the grids over the boxes of polygons that are held in memory together [1].
_POINTS_AT_A_TIME = 400_000


def _grid(shapes: Objects, step_m: float) -> tuple[Floats, Floats, Ints, Ints]:
    """Return the first point of the grid over the box of each polygon [m RD New], and its columns and rows [1]."""
    x0, y0, x1, y1 = shapely.bounds(shapes).T
    first_x, first_y = x0 + step_m / 2, y0 + step_m / 2
    columns, rows = (np.maximum(np.ceil(one / step_m), 0).astype(np.int64) for one in (x1 - first_x, y1 - first_y))
    return first_x, first_y, columns, rows


def sample_points(shapes: Objects, *, step_m: float) -> tuple[Floats, Ints]:
    """Grid points inside polygons, a step apart [m]; one inner point where the grid misses a polygon.

    Parameters
    ----------
    shapes : array of geometry
        Polygons or multipolygons [m RD New].
    step_m : float
        Step of the grid [m].

    Returns
    -------
    tuple of array of float and array of int
        The points (n, 2) [m RD New], and the position of the polygon of each.
    """
    first_x, first_y, columns, rows = _grid(shapes, step_m)
    count = columns * rows
    of = np.repeat(np.arange(len(shapes)), count)
    number = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
    x = first_x[of] + number % columns[of] * ((first_x + step_m) - first_x)[of]
    y = first_y[of] + number // columns[of] * ((first_y + step_m) - first_y)[of]
    shapely.prepare(shapes)
    inside = shapely.contains_xy(shapes[of], x, y)
    shapely.destroy_prepared(shapes)
    missed = np.flatnonzero(np.bincount(of[inside], minlength=len(shapes)) == 0)
    inner = shapely.get_coordinates(shapely.point_on_surface(shapes[missed]))
    row = np.concatenate([of[inside], missed])
    order = np.argsort(row, kind="stable")
    return np.concatenate([np.column_stack([x[inside], y[inside]]), inner])[order], row[order]


def apportion(
    shapes: Objects, *, targets: Objects, owners: npt.ArrayLike, reach_m: float, step_m: float
) -> pd.DataFrame:
    """Part each polygon over the owners of the targets nearest to its sample points; areas conserve.

    Parameters
    ----------
    shapes : array of geometry
        Polygons [m RD New].
    targets : array of geometry
        Streets or panden [m RD New].
    owners : array_like
        Street of each target; None allowed.
    reach_m : float
        Largest distance of a sample point to a target [m].
    step_m : float
        Step of the sample points [m].

    Returns
    -------
    DataFrame
        `row` (position in `shapes`), `street_id` (None: out of reach), `area_m2`, `distance_m` [m].
    """
    _, _, columns, rows = _grid(shapes, step_m)
    batch = np.cumsum(columns * rows) // _POINTS_AT_A_TIME
    starts = np.r_[0, np.flatnonzero(np.diff(batch)) + 1]
    found, sides = [], sides_of(targets)
    for first, last in pairwise([*starts.tolist(), len(shapes)]):
        points, row = sample_points(shapes[first:last], step_m=step_m)
        found.append((first + row, *nearest_sides(points, sides, reach_m=reach_m, tie_m=TIE_M)))
    row, position, away = (np.concatenate(one) for one in zip(*found, strict=True))
    each = shapely.area(shapes) / np.maximum(np.bincount(row, minlength=len(shapes)), 1)
    code, names = pd.factorize(pd.Series(np.asarray(owners, dtype=object)), sort=True)
    code = np.append(np.where(code < 0, len(names), code), len(names))  # what has no owner comes last, out of reach too
    table = pd.DataFrame({"row": row, "street": code[position], "area_m2": each[row], "distance_m": away})
    parts = table.groupby(["row", "street"], sort=True)
    out = parts.agg(area_m2=("area_m2", "sum"), distance_m=("distance_m", "mean")).reset_index()
    street_id = pd.Series([*names, None], dtype="str").iloc[out.pop("street")]
    out.insert(1, "street_id", street_id.reset_index(drop=True))
    return out


def assign_surfaces(
    *,
    terrain: gpd.GeoDataFrame,
    pand: gpd.GeoDataFrame,
    pand_street: pd.DataFrame,
    street: gpd.GeoDataFrame,
    reach: Reach,
    yard_paved_frac: float,
) -> pd.DataFrame:
    """Put every square metre of roof, yard and public surface on a street, or list it with the reason.

    Roofs follow their pand; yards follow the panden around them, so a yard between two streets is parted;
    everything else goes to the nearest street. Water is listed and belongs to no street.

    Parameters
    ----------
    terrain : GeoDataFrame
        BGT surfaces: `terrain_id`, `kind`, `function`, `surface`.
    pand : GeoDataFrame
        `pand_id` and polygons.
    pand_street : DataFrame
        From `assign_panden`.
    street : GeoDataFrame
        From `build_streets`.
    reach : Reach
        Distances [m].
    yard_paved_frac : float
        Paved share of a yard [1]; the register does not know it.

    Returns
    -------
    DataFrame
        One row per part: `surface_id`, `kind` (roof, yard, road, green, bare, water), `street_id`, `area_m2`, `paved_m2` [m2],
        `assigned_by`, `distance_m` [m], `drains_to` (sewer, open_water, soil).
    """
    water = terrain.geometry[terrain["kind"] == "waterdeel"].to_numpy()
    land = terrain[~terrain["kind"].eq("pand")].reset_index(drop=True)
    kind = _kinds(land)
    yard = kind == "yard"
    to_pand = (pand.geometry.to_numpy(), pand_street["street_id"].to_numpy(), "pand")
    to_street = (street.geometry.to_numpy(), street["street_id"].to_numpy(), "nearest")
    parts = [
        _roofs(pand, pand_street, water, reach),
        _parts(land[yard], kind[yard], to_pand, reach.yard_m, reach),
        _parts(land[~yard], kind[~yard], to_street, reach.surface_m, reach),
    ]
    table = pd.concat([part for part in parts if len(part)], ignore_index=True)
    _pave(table, land, water, reach, yard_paved_frac)
    return table[SURFACE_COLUMNS]


def _kinds(land: gpd.GeoDataFrame) -> Objects:
    by_kind = {
        "wegdeel": "road",
        "ondersteunendwegdeel": "road",
        "begroeidterreindeel": "green",
        "onbegroeidterreindeel": "bare",
        "waterdeel": "water",
        "ondersteunendwaterdeel": "water",
    }
    kind = land["kind"].map(by_kind).fillna("bare").to_numpy(dtype=object)
    return np.asarray(
        np.where(land["surface"].eq("erf").fillna(False).to_numpy(dtype=bool), "yard", kind), dtype=object
    )


def _roofs(pand: gpd.GeoDataFrame, pand_street: pd.DataFrame, water: Objects, reach: Reach) -> pd.DataFrame:
    area = shapely.area(pand.geometry.to_numpy())
    wet, _ = nearest(pand.geometry.to_numpy(), targets=water, reach_m=reach.pand_water_m)
    return pd.DataFrame(
        {
            "surface_id": pand["pand_id"].to_numpy(),
            "kind": "roof",
            "street_id": pand_street["street_id"].to_numpy(dtype=object),
            "area_m2": area,
            "paved_m2": area,
            "assigned_by": pand_street["assigned_by"].to_numpy(),
            "distance_m": pand_street["distance_m"].to_numpy(),
            "drains_to": np.where(wet >= 0, "open_water", "sewer"),
        }
    )


def _parts(
    land: gpd.GeoDataFrame,
    kind: Objects,
    target: tuple[Objects, Objects, str],
    reach_m: float,
    reach: Reach,
) -> pd.DataFrame:
    shapes, owners, rule = target
    own = land.geometry.to_numpy()
    parts = apportion(own, targets=shapes, owners=owners, reach_m=reach_m, step_m=reach.sample_m)
    row = parts["row"].to_numpy(dtype=np.int64)
    is_water = kind[row] == "water"
    placed = parts["street_id"].notna().to_numpy()
    reason = np.where(is_water, "none: water", "none: no street within reach")
    return pd.DataFrame(
        {
            "surface_id": land["terrain_id"].to_numpy()[row],
            "kind": kind[row],
            "street_id": kept(parts["street_id"].to_numpy(dtype=object), ~is_water & placed),
            "area_m2": parts["area_m2"].to_numpy(),
            "assigned_by": np.where(placed & ~is_water, rule, reason),
            "distance_m": np.where(is_water, np.nan, parts["distance_m"].to_numpy()),
        }
    )


def _pave(table: pd.DataFrame, land: gpd.GeoDataFrame, water: Objects, reach: Reach, yard_paved_frac: float) -> None:
    """Paved area [m2] and where the rain goes, in place: roofs are done, the rest by surface and distance to water."""
    own = land.set_index("terrain_id")
    near, _ = nearest(land.geometry.to_numpy(), targets=water, reach_m=reach.surface_water_m)
    wet = pd.Series(near >= 0, index=own.index)
    frac = own["surface"].map(PAVED_FRAC)
    kind = pd.Series(_kinds(land), index=own.index)
    frac = frac.where(frac.notna(), kind.map({"road": 1.0, "green": 0.0, "bare": 0.0, "water": 0.0}))
    frac = frac.where(kind != "yard", yard_paved_frac).where(kind != "green", 0.0).where(kind != "water", 0.0)
    rest = (table["kind"] != "roof").to_numpy()
    key = table.loc[rest, "surface_id"]
    table.loc[rest, "paved_m2"] = table.loc[rest, "area_m2"].to_numpy() * frac.reindex(key).to_numpy(dtype=float)
    soaks = table["paved_m2"].to_numpy(dtype=float)[rest] <= 0
    to_water = wet.reindex(key).to_numpy(dtype=bool)
    table.loc[rest, "drains_to"] = np.where(soaks, "soil", np.where(to_water, "open_water", "sewer"))
