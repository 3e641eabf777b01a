"""Streets: named openbare ruimte between two junctions, from NWB sections, BGT wegdelen, or addresses alone.

The basis of every street says which (`nwb`, `bgt`, `addresses`); a street from addresses is not cut at junctions.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from kansenkaart.core.water.arrays import Floats, Ints, kept, objects
from kansenkaart.crs import RD
from kansenkaart.errors import InfeasibleError

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
        {
            "street_name": pd.array(np.asarray(names, dtype=object), dtype="string"),
            "length_m": length,
            "width_m": width,
        },
        geometry=list(np.asarray(shapes, dtype=object)),
        crs=RD,
    )
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


# A corner leaves at most two tolerances of border within the tolerance on each side.
_CORNER = 4.0
_CARRIAGEWAY = "rijbaan|woonerf|voetgangersgebied|ov-baan|inrit"


def build_streets(
    *,
    home: gpd.GeoDataFrame,
    terrain: gpd.GeoDataFrame | None = None,
    street_line: gpd.GeoDataFrame | None = None,
    rules: StreetRules | None = None,
) -> gpd.GeoDataFrame:
    """Streets from the best source there is: NWB lines, else BGT wegdelen, else addresses.

    Parameters
    ----------
    home : GeoDataFrame
        `street_name` and points.
    terrain : GeoDataFrame, optional
        BGT surfaces: `kind`, `function`, `surface`.
    street_line : GeoDataFrame, optional
        NWB sections: `street_name`.
    rules : StreetRules, optional
        Distances [m].

    Raises
    ------
    InfeasibleError
        If no source holds a single street.
    """
    chosen = rules or StreetRules()
    roads = None if terrain is None else terrain[terrain["kind"] == "wegdeel"]
    if street_line is not None and len(street_line):
        streets = _with_surface(streets_from_lines(street_line, rules=chosen), roads)
    elif roads is not None and len(roads):
        streets = streets_from_roads(roads, home=home, rules=chosen)
    else:
        streets = streets_from_addresses(home, rules=chosen)
    if streets.empty:
        raise InfeasibleError(
            "at least one street",
            found="no lines, no wegdelen, no named addresses",
            where="build_streets",
            remedy="add a source of streets to the study",
        )
    return streets


def streets_from_lines(street_line: gpd.GeoDataFrame, *, rules: StreetRules) -> gpd.GeoDataFrame:
    """Sections of one name joined until the next junction (a place where not exactly two sections meet).

    Parameters
    ----------
    street_line : GeoDataFrame
        NWB sections: `street_name` (may be unknown) and lines [m RD New].
    rules : StreetRules
        Distances [m].
    """
    lines = street_line[street_line.geometry.notna() & ~street_line.geometry.is_empty].explode(ignore_index=True)
    shapes = lines.geometry.to_numpy()
    ends = np.concatenate([shapely.get_point(shapes, 0), shapely.get_point(shapes, -1)])
    grid = np.round(shapely.get_coordinates(ends) / rules.touch_m).astype(np.int64)
    node = pd.DataFrame(grid).groupby([0, 1]).ngroup().to_numpy()
    lines_at = pd.Series(np.tile(np.arange(len(lines)), 2)).groupby(node).agg(list)
    name = lines["street_name"].astype("string").fillna("").to_numpy()
    pairs = [(at[0], at[1]) for at in lines_at if len(at) == 2 and name[at[0]] == name[at[1]]]
    group = groups(len(lines), np.array(pairs, dtype=np.int64).reshape(-1, 2))
    merged = [shapely.line_merge(shapely.union_all(shapes[group == g])) for g in range(group.max() + 1)]
    first = pd.Series(np.arange(len(lines))).groupby(group).first().to_numpy()
    names = lines["street_name"].to_numpy()[first]
    return street_frame(names, merged, shapely.length(merged), np.nan, "nwb")


def _with_surface(streets: gpd.GeoDataFrame, roads: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """Width [m] and main surface of streets drawn as lines, from the carriageways nearest to them."""
    if roads is None or roads.empty:
        return streets
    ways = carriageways(roads)
    _, nearest = streets.sindex.nearest(ways.geometry.representative_point(), return_all=False)
    area = pd.Series(ways.area.to_numpy()).groupby(nearest).sum().reindex(range(len(streets)))
    streets["width_m"] = area.to_numpy() / streets["length_m"].to_numpy()
    streets["surface"] = _main_surface(ways, nearest, len(streets))
    return streets


def _main_surface(ways: gpd.GeoDataFrame, group: Ints, count: int) -> pd.Series:
    table = pd.DataFrame({"group": group, "area": ways.area.to_numpy(), "surface": objects(ways["surface"])}).dropna()
    share = pd.DataFrame(table.groupby(["group", "surface"])["area"].sum()).reset_index()
    share = share.sort_values(["group", "area"]).drop_duplicates("group", keep="last")
    return share.set_index("group")["surface"].reindex(range(count)).astype("string")


def carriageways(roads: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Wegdelen for driving; all wegdelen where the functions name none.

    Parameters
    ----------
    roads : GeoDataFrame
        BGT wegdelen: `function`.
    """
    driving = (
        roads["function"].astype("string").str.contains(_CARRIAGEWAY, regex=True).fillna(False).to_numpy(dtype=bool)
    )
    return roads[driving] if driving.any() else roads


def rectangle_sides(area_m2: npt.ArrayLike, *, perimeter_m: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], ...]:
    """Length and width [m] of the rectangle with an area [m2] and a perimeter [m].

    Roots of x2 - P/2 x + A = 0; shapes rounder than a square get the square's side twice.

    Parameters
    ----------
    area_m2 : array_like
        Area [m2].
    perimeter_m : array_like
        Perimeter [m].
    """
    area, around = np.asarray(area_m2, dtype=float), np.asarray(perimeter_m, dtype=float)
    inner = around**2 / 16 - area
    root = np.sqrt(np.maximum(inner, 0.0))
    square = np.sqrt(area)
    return np.where(inner > 0, around / 4 + root, square), np.where(inner > 0, around / 4 - root, square)


def streets_from_roads(roads: gpd.GeoDataFrame, *, home: gpd.GeoDataFrame, rules: StreetRules) -> gpd.GeoDataFrame:
    """Touching carriageways of one name, parted at junctions; names come from the addresses along them.

    A wegdeel that touches three or more others is a junction and goes with the longest border. Length and
    width are those of the rectangle with the same area and perimeter.

    Parameters
    ----------
    roads : GeoDataFrame
        BGT wegdelen: `function`, `surface` and polygons [m RD New].
    home : GeoDataFrame
        `street_name` and points.
    rules : StreetRules
        Distances [m].
    """
    ways = carriageways(roads).reset_index(drop=True)
    left, right = ways.sindex.query(ways.geometry, predicate="dwithin", distance=rules.touch_m)
    touching = np.column_stack([left, right])[left < right]
    pairs = _bordering(ways, touching, rules.touch_m)
    name = _names_of(ways, home, rules)
    degree = np.bincount(pairs.ravel(), minlength=len(ways))
    junction = degree >= 3
    plain = ~junction[pairs].any(axis=1) & (name[pairs[:, 0]] == name[pairs[:, 1]])
    link = np.concatenate([pairs[plain], _junction_links(ways, pairs, junction)])
    group = _without_slivers(groups(len(ways), link), ways.area.to_numpy(), touching, rules.sliver_m2)
    shapes = [shapely.union_all(ways.geometry.to_numpy()[group == g]) for g in range(group.max() + 1)]
    length, width = rectangle_sides(shapely.area(shapes), perimeter_m=shapely.length(shapes))
    own = pd.Series(kept(name, ~junction & (name != "")), dtype="object").groupby(group).first()
    names = objects(own.reindex(range(group.max() + 1)))
    streets = street_frame(names, shapes, length, width, "bgt")
    streets["surface"] = _main_surface(ways, group, len(streets))
    return streets


def _without_slivers(group: Ints, area: Floats, touching: Ints, sliver_m2: float) -> Ints:
    """Let each sliver go with the largest group that it touches."""
    size = np.bincount(group, weights=area)
    sides = np.concatenate([touching, touching[:, ::-1]])
    mine, theirs = group[sides[:, 0]], group[sides[:, 1]]
    joins = (size[mine] < sliver_m2) & (size[theirs] > size[mine])
    rank = np.argsort(size[theirs[joins]], kind="stable")
    to = np.arange(len(size))
    to[mine[joins][rank]] = theirs[joins][rank]
    return np.unique(to[group], return_inverse=True)[1].astype(np.int64)


def _bordering(ways: gpd.GeoDataFrame, pairs: Ints, touch_m: float) -> Ints:
    """Pairs that share a border; surfaces that meet in a corner only do not."""
    shapes = ways.geometry.to_numpy()
    near = shapely.buffer(shapes, touch_m)
    shared = shapely.length(shapely.intersection(shapely.boundary(shapes[pairs[:, 0]]), near[pairs[:, 1]]))
    return np.asarray(pairs[shared > _CORNER * touch_m])


def _junction_links(ways: gpd.GeoDataFrame, pairs: Ints, junction: npt.NDArray[np.bool_]) -> Ints:
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[junction[both[:, 0]] & ~junction[both[:, 1]]]
    if not len(both):
        return np.empty((0, 2), dtype=np.int64)
    shapes = ways.geometry.to_numpy()
    border = shapely.length(
        shapely.intersection(shapely.boundary(shapes[both[:, 0]]), shapely.boundary(shapes[both[:, 1]]))
    )
    rank = np.lexsort((both[:, 1], -border, both[:, 0]))
    first = rank[np.unique(both[rank, 0], return_index=True)[1]]
    return np.asarray(both[first], dtype=np.int64)


def _names_of(ways: gpd.GeoDataFrame, home: gpd.GeoDataFrame, rules: StreetRules) -> npt.NDArray[np.object_]:
    """Most frequent street name among the addresses nearest to each wegdeel; empty where none is near."""
    named = home[home["street_name"].notna() & home.geometry.notna()]
    name = np.full(len(ways), "", dtype=object)
    if named.empty:
        return name
    who, where = ways.sindex.nearest(named.geometry, return_all=False, max_distance=rules.name_reach_m)
    table = pd.DataFrame({"way": where, "name": named["street_name"].to_numpy()[who]}).value_counts().reset_index()
    best = table.sort_values(["way", "count", "name"]).drop_duplicates("way", keep="last")
    name[best["way"].to_numpy()] = best["name"].to_numpy()
    return name
