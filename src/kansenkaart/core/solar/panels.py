r"""What fits on a roof: real modules laid out face by face, in both orientations, with set-backs and obstacles.

A pitched face is turned into its own plane (u along the eave, v down the slope) and rasterised at 0.05 m; a cell is free if
it lies inside the face by the set-back and off every obstacle. Rows of modules are tried at every phase; in a row each
module goes to the first place where it fits::

      ridge ___________________           flat roof, east-west     flat roof, south
           | [][][][]   [][][] |            /\  /\  /\                 /  /  /
           | [][][][] o [][][] |           (back to back, a gap)   (rows far enough apart
      eave |___________________|                                    that none shades the next)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numba import prange
from numpy.typing import NDArray

from kansenkaart.errors import ConfigError
from kansenkaart.kernel import kernel

FINE_M = 0.05  # raster of the layout
SIDE_LIMIT = 20_000  # cells along one side of a face; larger is not a roof


@kernel(parallel=True)
def fill(shapes: Any, turn: Any, ways: Any, obstacles: Any, out: Any) -> None:
    """Lay out every face by itself.

    Parameters
    ----------
    shapes : tuple
        Corners of all faces [m RD], whether each ends a ring, and the first of each face.
    turn : array
        Per face direction [rad], stretch [1] and set-back [m].
    ways : array
        Per face and way the size and pitch of a unit [m].
    obstacles : tuple
        Face, x, y; first of each face; size and set-back [m].
    out : tuple
        Counts, ways, units and their first; filled.
    """
    for f in prange(len(turn)):
        _lay_out(np.int64(f), shapes, turn[f], ways[f], obstacles, out)


@kernel
def _lay_out(f: Any, shapes: Any, turn: Any, ways: Any, obstacles: Any, out: Any) -> None:
    """Lay out one face.

    Apart from the loop, and without whole rows of numbers, numba compiles it in half the time.
    """
    points, last, first = shapes
    blocked, blocked_first, size, off = obstacles
    counts, which, units, start = out
    if first[f + 1] - first[f] < 4:
        return
    ring = _to_plane(points[first[f] : first[f + 1]], turn)
    marks = _to_plane(blocked[blocked_first[f] : blocked_first[f + 1], 1:], turn)
    low, high = ring[0].copy(), ring[0].copy()
    for i in range(len(ring)):
        for side in range(2):
            low[side], high[side] = min(low[side], ring[i, side]), max(high[side], ring[i, side])
    shape = (int((high[0] - low[0]) / FINE_M) + 2, int((high[1] - low[1]) / FINE_M) + 2)
    if max(shape) > SIDE_LIMIT:
        return
    free = _free(ring, last[first[f] : first[f + 1]], marks, (low, shape, turn, size, off))
    best = np.empty((start[f + 1] - start[f], 2))
    trial = np.empty_like(best)
    for way in range(2):
        count = _pack(free, ways[way], trial, best, counts[f])
        if count > counts[f]:
            counts[f], which[f] = count, way
    for i in range(counts[f]):
        for side in range(2):
            units[start[f] + i, side] = best[i, side] + low[side]


@kernel
def _to_plane(points: Any, turn: Any) -> Any:
    """Map to plane: u along the eave, v down the slope."""
    out = np.empty((len(points), 2))
    s, c = np.sin(turn[0]), np.cos(turn[0])
    for i in range(len(points)):
        out[i, 0] = points[i, 0] * c - points[i, 1] * s
        out[i, 1] = (points[i, 0] * s + points[i, 1] * c) * turn[1]
    return out


@kernel
def _inside(ring: Any, last: Any, low: Any, shape: Any) -> Any:
    """Draw a face: 1 in fine cells whose middle it holds, those that a line along u meets after an odd number of sides."""
    inside = np.zeros(shape, np.uint8)
    for j in range(shape[1]):
        v = low[1] + (j + 0.5) * FINE_M
        for i in range(len(ring) - 1):
            a, b = ring[i], ring[i + 1]
            if not last[i] and (a[1] > v) != (b[1] > v):
                cut = int(np.ceil((a[0] + (v - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) - low[0]) / FINE_M - 0.5))
                if cut < shape[0]:
                    inside[max(cut, 0), j] ^= 1
    for i in range(1, shape[0]):
        for j in range(shape[1]):
            inside[i, j] ^= inside[i - 1, j]
    return inside


@kernel
def _free(ring: Any, last: Any, marks: Any, how: Any) -> Any:
    """Sum table of the fine cells that are not free: outside, within the set-back, or by an obstacle."""
    low, shape, turn, size, off = how
    table = np.zeros((shape[0] + 1, shape[1] + 1), np.int32)
    _sum_table(_inside(ring, last, low, shape), table)
    margin = int(np.ceil(turn[2] / FINE_M - 1e-9))
    bad = np.ones(shape, np.uint8)
    whole = (2 * margin + 1) ** 2
    for i in range(margin, shape[0] - margin):
        for j in range(margin, shape[1] - margin):
            if _box(table, i - margin, j - margin, 2 * margin + 1, 2 * margin + 1) == whole:
                bad[i, j] = 0
    half = size / 2 + off
    for m in marks:
        _mark(bad, _reach(m[0] - low[0], half, shape[0]), _reach(m[1] - low[1], half * turn[1], shape[1]))
    _sum_table(bad, table)
    return table


@kernel
def _mark(cells: Any, along: Any, down: Any) -> None:
    """Set a box of cells to 1."""
    for i in range(along[0], along[1]):
        for j in range(down[0], down[1]):
            cells[i, j] = 1


@kernel
def _reach(middle: float, half: float, end: int) -> Any:
    """First and last cell of a mark along one axis."""
    return max(int((middle - half) / FINE_M), 0), min(int((middle + half) / FINE_M) + 1, end)


@kernel
def _sum_table(cells: Any, table: Any) -> None:
    """Add up all cells above and to the left."""
    for i in range(cells.shape[0]):
        row = 0
        for j in range(cells.shape[1]):
            row += cells[i, j]
            table[i + 1, j + 1] = table[i, j + 1] + row


@kernel
def _box(table: Any, i: int, j: int, wide: int, deep: int) -> int:
    """Sum over a box of cells."""
    return int(table[i + wide, j + deep] - table[i, j + deep] - table[i + wide, j] + table[i, j])


@kernel
def _pack(bad: Any, way: Any, trial: Any, best: Any, least: int) -> int:
    """Try every phase of the rows; keep the fullest in ``best`` if it beats ``least``."""
    wide, deep = int(np.ceil(way[0] / FINE_M - 1e-9)), int(np.ceil(way[1] / FINE_M - 1e-9))
    along, down = max(way[2] / FINE_M, wide), max(way[3] / FINE_M, deep)
    cells_u, cells_v = bad.shape[0] - 1, bad.shape[1] - 1
    top = least
    for phase in range(min(int(np.ceil(down)), max(cells_v - deep + 1, 0))):
        count, v = 0, float(phase)
        while int(v) + deep <= cells_v:
            u = 0.0
            while int(np.ceil(u)) + wide <= cells_u:
                i = int(np.ceil(u))
                if _box(bad, i, int(v), wide, deep) == 0 and count < len(trial):
                    trial[count, 0], trial[count, 1] = i * FINE_M, int(v) * FINE_M
                    count += 1
                    u = i + along
                else:
                    u = i + 1.0
            v += down
        if count > top:
            top = count
            for i in range(count):
                best[i, 0], best[i, 1] = trial[i, 0], trial[i, 1]
    return top if top > least else 0


Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Module:
    """A module and its rating: length and width [m], power [Wp]."""

    length_m: float
    width_m: float
    power_wp: float


@dataclass(frozen=True)
class LayoutRule:
    """How modules are set.

    Attributes
    ----------
    setback_pitched_m, setback_flat_m : float
        Free strip along the edge of a face [m].
    setback_obstacle_m : float
        Free strip around an obstacle [m].
    small_hole_m2 : float
        A smaller hole in a face is an obstacle (a chimney, a roof light, a cell that the height model lacks), a larger one an
        edge [m2]; 4 is a guess.
    flat_below_deg : float
        Flatter faces get racks [deg].
    rack : str
        ``east-west`` or ``south``.
    rack_tilt_deg : float
        Tilt of a module on a rack [deg].
    gap_m : float
        Between two modules, for clamps [m].
    aisle_m : float
        Between east-west racks, for maintenance [m].
    shade_elevation_deg : float
        Height of the sun above which south racks do not shade each other [deg]; 15 is about noon on 21 December.
    """

    setback_pitched_m: float = 0.4
    setback_flat_m: float = 1.2
    setback_obstacle_m: float = 0.2
    small_hole_m2: float = 4.0
    flat_below_deg: float = 10.0
    rack: str = "east-west"
    rack_tilt_deg: float = 12.0
    gap_m: float = 0.02
    aisle_m: float = 0.3
    shade_elevation_deg: float = 15.0

    def __post_init__(self) -> None:
        """Refuse a rack that does not exist."""
        if self.rack not in ("east-west", "south"):
            raise ConfigError("rack 'east-west' or 'south'", found=repr(self.rack), where="LayoutRule")


@dataclass(frozen=True)
class Layout:
    """Modules on faces.

    Attributes
    ----------
    faces : pandas.DataFrame
        Per face ``modules`` [1], ``kwp`` [kWp], ``orientation`` (``portrait``, ``landscape``, ``east-west``, ``south`` or
        ``none``), ``module_tilt_deg`` and ``module_azimuth_deg`` [deg] (east-west: of the first of the two).
    corners_m : numpy.ndarray
        (units, 4, 2) corners of the modules seen from above [m RD]; an east-west unit is a pair of modules.
    face : numpy.ndarray
        Face of each unit.
    """

    faces: pd.DataFrame
    corners_m: Doubles
    face: NDArray[np.int64]


def lay_out(
    faces: pd.DataFrame,
    *,
    polygons: Sequence[Any],
    module: Module,
    rule: LayoutRule | None = None,
    obstacles: Doubles | None = None,
    obstacle_size_m: float = 0.5,
) -> Layout:
    """Lay modules on faces.

    Parameters
    ----------
    faces : pandas.DataFrame
        ``tilt_deg`` and ``azimuth_deg`` per face [deg].
    polygons : sequence of shapely Polygon
        The faces seen from above [m RD]; None, empty or invalid ones carry nothing.
    module : Module
        Size and power.
    rule : LayoutRule, optional
        How modules are set.
    obstacles : numpy.ndarray, optional
        (n, 3) face, x, y [m RD]: middles of cells that are not free.
    obstacle_size_m : float
        Side of such a cell [m].

    Returns
    -------
    Layout
        Counts, power and corners.

    Raises
    ------
    ConfigError
        If there is not one polygon per face, or the module has no size.
    """
    rule = rule or LayoutRule()
    if len(polygons) != len(faces):
        raise ConfigError("one polygon per face", found=f"{len(polygons)} ({len(faces)} faces)", where="polygons")
    if min(module.length_m, module.width_m, module.power_wp) <= 0:
        raise ConfigError("a module with size and power", found=str(module), where="module")
    polygons, holes = _small_holes(polygons, rule.small_hole_m2, obstacle_size_m)
    obstacles = holes if obstacles is None else np.concatenate([np.reshape(obstacles, (-1, 3)), holes])
    frame = _frames(faces, polygons, rule)
    ways = _ways(frame["flat"], module, rule)
    counts, which, units = _place(frame, polygons, ways, rule, _sorted(obstacles, len(faces)), obstacle_size_m)
    per_unit = np.where(frame["flat"] & (rule.rack == "east-west"), 2, 1)
    names = np.where(frame["flat"], rule.rack, np.where(which == 1, "landscape", "portrait"))
    modules = counts * per_unit
    table = pd.DataFrame(
        {
            "modules": modules,
            "kwp": modules * module.power_wp / 1000.0,
            "orientation": np.where(modules > 0, names, "none"),
            "module_tilt_deg": np.where(frame["flat"], rule.rack_tilt_deg, faces["tilt_deg"].to_numpy(float)),
            "module_azimuth_deg": frame["down"],
        },
        index=faces.index,
    )
    owner = np.repeat(np.arange(len(faces)), counts)
    return Layout(table, _corners(units, owner, which[owner], ways, frame), owner)


def _small_holes(polygons: Sequence[Any], least_m2: float, size: float) -> tuple[list[Any], Doubles]:
    """Close the small holes of faces; squares that cover each one's box are obstacles, (n, 3) face, x, y [m RD]."""
    closed, marks = list(polygons), [np.empty((0, 3))]
    for i, shape in enumerate(polygons):
        if shape is None or not shape.is_valid or not shape.interiors:
            continue
        small = [ring for ring in shape.interiors if shapely.Polygon(ring).area < least_m2]
        closed[i] = shapely.Polygon(shape.exterior, [ring for ring in shape.interiors if ring not in small])
        for west, south, east, north in (ring.bounds for ring in small):
            x, y = (np.arange(a, max(b, a + 1e-6), size) + size / 2 for a, b in ((west, east), (south, north)))
            spots = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
            marks.append(np.column_stack([np.full(len(spots), float(i)), spots]))
    return closed, np.concatenate(marks)


def _frames(faces: pd.DataFrame, polygons: Sequence[Any], rule: LayoutRule) -> dict[str, Any]:
    """Direction of v (down the slope) and stretch from plan to plane, per face."""
    tilt = np.nan_to_num(faces["tilt_deg"].to_numpy(float))
    flat = tilt < rule.flat_below_deg
    down = np.nan_to_num(faces["azimuth_deg"].to_numpy(float))
    for i in np.flatnonzero(flat).tolist():
        down[i] = 180.0 if rule.rack == "south" else _across(polygons[i])
    stretch = np.where(flat, 1.0, 1.0 / np.cos(np.radians(np.minimum(tilt, 85.0))))
    return {"flat": flat, "down": down, "stretch": stretch}


def _across(polygon: Any) -> float:
    """Direction from 45 to 135 deg along a side of a flat roof: racks stand square to the building."""
    if polygon is None or polygon.is_empty:
        return 90.0
    box = shapely.get_coordinates(shapely.minimum_rotated_rectangle(polygon))
    if len(box) < 4:
        return 90.0
    side = box[1] - box[0]
    return float((np.degrees(np.arctan2(side[0], side[1])) + 45) % 90 + 45)


def _ways(flat: NDArray[np.bool_], module: Module, rule: LayoutRule) -> Doubles:
    """Size and pitch of a unit along u and v, per face and way: (faces, 2, 4) [m]."""
    long, wide, gap = module.length_m, module.width_m, rule.gap_m
    pitched = [[wide, long, wide + gap, long + gap], [long, wide, long + gap, wide + gap]]
    lean = np.radians(rule.rack_tilt_deg)
    if rule.rack == "east-west":
        deep = 2 * wide * np.cos(lean)
        rack = [long, deep, long + gap, deep + rule.aisle_m]
    else:
        deep = wide * np.cos(lean)
        rack = [long, deep, long + gap, deep + wide * np.sin(lean) / np.tan(np.radians(rule.shade_elevation_deg))]
    return np.where(flat[:, None, None], np.array([rack, rack]), np.array(pitched))


def _sorted(obstacles: Doubles | None, faces: int) -> tuple[Doubles, NDArray[np.int64]]:
    points = np.empty((0, 3)) if obstacles is None else np.asarray(obstacles, dtype=np.float64).reshape(-1, 3)
    points = points[np.argsort(points[:, 0], kind="stable")]
    return points, np.searchsorted(points[:, 0], np.arange(faces + 1)).astype(np.int64)


def _place(
    frame: dict[str, Any],
    polygons: Sequence[Any],
    ways: Doubles,
    rule: LayoutRule,
    obstacles: tuple[Doubles, NDArray[np.int64]],
    size: float,
) -> tuple[NDArray[np.int64], NDArray[np.int64], Doubles]:
    """Give the number of units and the better way per face, and the lower corner (u, v) of every unit."""
    usable = np.array(polygons, dtype=object)
    usable[~shapely.is_valid(usable) | shapely.is_missing(usable)] = shapely.Polygon()
    rings, owner = shapely.get_rings(usable, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    first = np.searchsorted(owner[ring] if len(ring) else ring, np.arange(len(usable) + 1)).astype(np.int64)
    last = np.append(ring[1:] != ring[:-1], True) if len(ring) else np.empty(0, dtype=bool)
    back = np.where(frame["flat"], rule.setback_flat_m, rule.setback_pitched_m)
    turn = np.stack([np.radians(frame["down"]), frame["stretch"], back], axis=1)
    room = np.array([p.area for p in usable]) * frame["stretch"] / ways[:, :, 2:].prod(axis=2).min(axis=1)
    start = np.concatenate([[0], np.cumsum(np.ceil(room * 1.3 + 4))]).astype(np.int64)
    units = np.zeros((start[-1], 2))
    counts, which = np.zeros(len(usable), np.int64), np.zeros(len(usable), np.int64)
    fill((points, last, first), turn, ways, (*obstacles, size, rule.setback_obstacle_m), (counts, which, units, start))
    keep = np.concatenate([np.arange(s, s + n) for s, n in zip(start, counts, strict=False)] or [np.empty(0)])
    return counts, which, units[keep.astype(np.int64)]


def _corners(
    units: Doubles, owner: NDArray[np.int64], way: NDArray[np.int64], ways: Doubles, frame: dict[str, Any]
) -> Doubles:
    """Turn units from their plane back to the map."""
    size = ways[owner, way, :2]
    box = units[:, None, :] + np.array([[0, 0], [1, 0], [1, 1], [0, 1]])[None] * size[:, None, :]
    turn = np.radians(frame["down"])[owner][:, None]
    u, v = box[..., 0], box[..., 1] / frame["stretch"][owner][:, None]
    return np.stack([u * np.cos(turn) + v * np.sin(turn), -u * np.sin(turn) + v * np.cos(turn)], axis=-1)
