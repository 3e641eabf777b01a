"""The land between buildings, given to the nearest one: who is next to whom, over what length and at what distance.

     +----+ ridge +----+      sites = points along each footprint; a ridge between two buildings' sites is where
     | a  |   |   | b  |      their land meets; the distance between the two sites is the gap between the buildings
     +----+   |   +----+      at that spot (0 = one row, 8-25 m = a street or gardens, more = water, rail, a park).

References
----------
.. [1] Fleischmann, Feliciotti, Romice and Porta (2020), Morphological tessellation as a way of partitioning space,
   doi:10.1016/j.compenvurbsys.2019.101441.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import Voronoi, cKDTree

from kansenkaart.kernel import Flags, Floats, Ints


@dataclass(frozen=True, eq=False)
class Ridges:
    """Stretches of border between the land of two buildings.

    Parameters
    ----------
    i, j : Ints
        Buildings at both sides; j = -1 is open land, out of reach of any building.
    length, gap : Floats
        Length of the stretch and distance between the buildings there [m].
    ends : Floats
        Its two end points, m x 2 x 2 [m].
    link : Floats
        The two sites, m x 2 x 2 [m]: the straight way across the stretch.
    """

    i: Ints
    j: Ints
    length: Floats
    gap: Floats
    ends: Floats
    link: Floats

    def take(self, which: Flags | Ints) -> Ridges:
        """Select some of the stretches."""
        return Ridges(*(getattr(self, name)[which] for name in ("i", "j", "length", "gap", "ends", "link")))


def sites_of(geometry: npt.NDArray[np.object_], *, spacing_m: float, inset_m: float) -> tuple[Floats, Ints]:
    """Points along each footprint, a hair inside it so that touching buildings stay apart; a point stays a point.

    Parameters
    ----------
    geometry : array of shapely geometries
        Footprints or address points, RD New [m].
    spacing_m, inset_m : float
        Distance between points along the wall, and from the wall inwards [m].

    Returns
    -------
    tuple[Floats, Ints]
        Coordinates [m] and the building of each.
    """
    inner = np.asarray(shapely.buffer(geometry, -inset_m, join_style="mitre"), dtype=object)
    small = shapely.is_empty(inner)
    inner[small] = shapely.point_on_surface(geometry[small])
    points, owner = shapely.get_coordinates(shapely.segmentize(inner, spacing_m), return_index=True)
    rounded = np.round(points, 2)
    _, first = np.unique(rounded, axis=0, return_index=True)
    first.sort()
    return rounded[first], owner[first].astype(np.int64)


def ridges_between(points: Floats, owner: Ints, *, reach_m: float) -> Ridges:
    """Voronoi stretches between the sites of different buildings, and towards open land beyond the reach [m].

    Parameters
    ----------
    points : Floats
        Sites along the footprints, RD New [m].
    owner : Ints
        Building of each site.
    reach_m : float
        Distance to which land belongs to the nearest building [m].
    """
    origin = points.mean(axis=0)
    points = points - origin
    open_land = _open_sites(points, reach_m)
    sites = np.r_[points, open_land]
    label = np.r_[owner, np.full(len(open_land), -1)]
    plan = Voronoi(sites)
    pair = plan.ridge_points
    vertex = np.array(plan.ridge_vertices)
    use = (label[pair[:, 0]] != label[pair[:, 1]]) & (vertex >= 0).all(axis=1)
    pair, vertex = pair[use], vertex[use]
    swap = label[pair[:, 0]] < label[pair[:, 1]]
    pair[swap] = pair[swap][:, ::-1]
    ends, link = plan.vertices[vertex], sites[pair]
    length = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    gap = np.hypot(*(link[:, 1] - link[:, 0]).T)
    i, j = label[pair[:, 0]], label[pair[:, 1]]
    return Ridges(i, j, length, gap, ends + origin, link + origin).take(length > 0)


def _open_sites(points: Floats, reach_m: float) -> Floats:
    """Grid of sites where no building is within reach, with a rim around it all that closes every cell."""
    low, high = points.min(axis=0) - 3 * reach_m, points.max(axis=0) + 3 * reach_m
    grid = np.stack(np.meshgrid(*(np.arange(a, b + reach_m, reach_m / 2) for a, b in zip(low, high, strict=True))), -1)
    grid = grid.reshape(-1, 2)
    distance, _ = cKDTree(points).query(grid)
    return np.asarray(grid[distance > reach_m], np.float64)


def block_shapes(ridges: Ridges, block: Ints, points: Floats, owner: Ints) -> npt.NDArray[np.object_]:
    """Polygon of each block: the faces that its border stretches enclose, each face given to the site inside it.

    Parameters
    ----------
    ridges : Ridges
        Stretches of border.
    block : Ints
        Block of each building.
    points : Floats
        Sites along the footprints, RD New [m].
    owner : Ints
        Building of each site.
    """
    side = np.where(ridges.j >= 0, block[ridges.j], -1)
    border = block[ridges.i] != side
    faces = _faces(shapely.linestrings(np.round(ridges.ends[border], 3)))
    tree = shapely.STRtree(faces)
    site, face = tree.query(shapely.points(points), predicate="within")
    own = np.full(len(faces), -1, np.int64)
    own[face] = block[owner[site]]
    count = int(block.max()) + 1
    order = np.argsort(own, kind="stable")
    order = order[own[order] >= 0]
    shapes = np.empty(count, object)
    groups = np.split(order, np.searchsorted(own[order], np.arange(1, count)))
    for number, group in enumerate(groups):
        shapes[number] = shapely.union_all(faces[group]) if len(group) != 1 else faces[group[0]]
    return shapes


def _faces(lines: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Faces that lines enclose; they are cut where they cross only if their ends do not meet as they are."""
    faces, *left = shapely.polygonize_full(lines[shapely.length(lines) > 0])
    if not all(shapely.is_empty(left)):
        faces = shapely.polygonize([shapely.union_all(lines, grid_size=0.001)])
    return np.asarray(shapely.get_parts(faces), dtype=object)
