"""Homes, panden, surfaces and pipes put on the street they front and the sewer they drain to, with rule and distance.

Nothing disappears: what finds no street or sewer stays in the table, with the reason in `assigned_by`.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from kansenkaart.core.water.arrays import Floats, Ints, Objects, kept, objects, taken
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
        From a home or street to a sewer pipe [m]; the distance of the rule on discharge (Blah art. 7).
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
    found = np.full(len(points), -1, dtype=np.int64)
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
        found[seen] = where[first]
    return found, away


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
    known = code >= 0
    moved = kept(shapes, known)
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
