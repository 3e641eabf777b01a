"""What all streets have in common, and streets drawn from addresses alone (basis `addresses`, not cut at junctions)."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from kansenkaart.core.water.arrays import Ints
from kansenkaart.crs import RD

COLUMNS = ["street_id", "street_name", "length_m", "width_m", "surface", "basis", "geometry"]


@dataclass(frozen=True)
class StreetRules:
    """Distances that shape streets.

    Parameters
    ----------
    touch_m : float
        Ends or surfaces closer than this are joined [m].
    name_reach_m : float
        An address names a wegdeel up to this distance [m]; half the depth of a building block (guess).
    address_gap_m : float
        Addresses of one name further apart are two streets [m] (guess).
    address_step_m : float
        Step along a street drawn from addresses [m] (guess; about four house widths).
    sliver_m2 : float
        Smaller wegdelen are no street of their own [m2] (guess).
    """

    touch_m: float = 0.5
    name_reach_m: float = 40.0
    address_gap_m: float = 120.0
    address_step_m: float = 25.0
    sliver_m2: float = 10.0


def groups(count: int, pairs: Ints) -> Ints:
    """Give each of the groups that pairs join a number.

    Parameters
    ----------
    count : int
        Number of things.
    pairs : array of int
        Rows of two positions.
    """
    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def street_frame(names: object, shapes: object, length: object, width: object, basis: str) -> gpd.GeoDataFrame:
    """Shape the table of streets, with an id of name and number.

    Parameters
    ----------
    names, shapes : array_like
        Name (None unknown) and geometry of each street.
    length, width : array_like
        Length and width [m]; NaN unknown.
    basis : str
        What the streets were made from.
    """
    frame = gpd.GeoDataFrame(
        {"street_name": pd.array(np.asarray(names, dtype=object), dtype="string"), "length_m": length, "width_m": width},
        geometry=list(np.asarray(shapes, dtype=object)), crs=RD,
    )  # fmt: skip
    frame["surface"] = pd.array([pd.NA] * len(frame), dtype="string")
    frame["basis"] = basis
    number = frame.groupby(frame["street_name"].fillna("naamloos")).cumcount() + 1
    frame["street_id"] = frame["street_name"].fillna("naamloos") + " " + number.astype("string")
    return frame[COLUMNS]


def streets_from_addresses(home: gpd.GeoDataFrame, *, rules: StreetRules) -> gpd.GeoDataFrame:
    """Lines through the addresses of one name: means of steps along their main axis; parted at wide gaps.

    Parameters
    ----------
    home : GeoDataFrame
        `street_name` and points [m RD New]; homes without a name draw no street.
    rules : StreetRules
        Distances [m].
    """
    named = home[home["street_name"].notna() & home.geometry.notna() & ~home.geometry.is_empty]
    names: list[str] = []
    shapes: list[shapely.Geometry] = []
    for name, own in named.groupby("street_name", sort=True):
        xy = shapely.get_coordinates(own.geometry.to_numpy())
        for part in _parted(xy, rules.address_gap_m):
            names.append(str(name))
            shapes.append(_axis_line(part, rules.address_step_m))
    return street_frame(names, shapes, shapely.length(shapes), np.nan, "addresses")


def _parted(xy: npt.NDArray[np.float64], gap_m: float) -> list[npt.NDArray[np.float64]]:
    points = np.asarray(shapely.points(xy), dtype=object)
    tree = shapely.STRtree(points)
    pairs = tree.query(points, predicate="dwithin", distance=gap_m).T
    group = groups(len(xy), pairs)
    return [xy[group == g] for g in range(group.max() + 1)]


def _axis_line(xy: npt.NDArray[np.float64], step_m: float) -> shapely.Geometry:
    middle = xy.mean(axis=0)
    _, axes = np.linalg.eigh((xy - middle).T @ (xy - middle))
    along = (xy - middle) @ axes[:, -1]
    step = np.floor((along - along.min()) / step_m).astype(np.int64)
    points = pd.DataFrame(xy).groupby(step).mean().to_numpy()
    return shapely.LineString(points) if len(points) > 1 else shapely.Point(points[0])
