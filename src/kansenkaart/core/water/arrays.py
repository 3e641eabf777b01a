"""Small steps on arrays: objects in which None means unknown, and the nearest shape to each of very many points."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from kansenkaart.kernel import kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Objects = npt.NDArray[np.object_]


def objects(values: pd.Series) -> Objects:
    """Values as Python objects, None where unknown.

    Parameters
    ----------
    values : Series
        Any kind of column.
    """
    plain = np.array(values.astype(object), dtype=object)
    plain[np.asarray(values.isna(), dtype=bool)] = None
    return plain


def taken(values: Any, position: Ints) -> Objects:
    """Values at positions; None where the position is -1.

    Parameters
    ----------
    values : array_like
        What to take from.
    position : array of int
        Row numbers; -1 takes nothing.
    """
    source = np.empty(len(values) + 1, dtype=object)
    source[:-1] = np.asarray(values, dtype=object)
    return np.asarray(source[position], dtype=object)


def kept(values: Objects, where: Bools) -> Objects:
    """Values where a condition holds, None elsewhere.

    Parameters
    ----------
    values : array of object
        Any values.
    where : array of bool
        Which to keep.
    """
    out = np.full(len(values), None, dtype=object)
    out[where] = values[where]
    return out


#: Points that lie in one square with this side look among the same shapes [m].
_SQUARE_M = 16.0
#: Sides of shapes, where those of each begin, whether it is a polygon, and its box [m RD New].
_Shapes = tuple[Floats, Ints, Bools, Floats]


def sides_of(targets: Objects) -> tuple[shapely.STRtree, _Shapes]:
    """Take lines or polygons apart in their sides, for :func:`nearest_sides`.

    Parameters
    ----------
    targets : array of geometry
        Points, lines or polygons [m RD New].
    """
    solid = shapely.get_dimensions(targets) == 2
    parts, owner = shapely.get_parts(np.where(solid, shapely.boundary(targets), targets), return_index=True)
    corner, part = shapely.get_coordinates(parts, return_index=True)
    ends = np.append(np.diff(part) > 0, np.ones(min(len(part), 1), bool))
    sides = np.column_stack([corner, np.where(ends[:, None], corner, np.roll(corner, -1, axis=0))])
    first = np.searchsorted(owner[part], np.arange(len(targets) + 1))
    return shapely.STRtree(targets), (sides, first, solid, shapely.bounds(targets))


def nearest_sides(
    points: Floats, shapes: tuple[shapely.STRtree, _Shapes], *, reach_m: float, tie_m: float
) -> tuple[Ints, Floats]:
    """Position of the nearest shape (-1: none within reach) and its distance [m, NaN] for each of very many points.

    Parameters
    ----------
    points : array of float
        What looks, (n, 2) [m RD New].
    shapes : tuple
        From :func:`sides_of`; within a polygon the distance to it is 0.
    reach_m : float
        Largest distance [m].
    tie_m : float
        Of shapes that lie equally far but for this, the first [m].
    """
    column, row = np.floor(points / _SQUARE_M).astype(np.int64).T
    squares, own = np.unique(row << 32 | column + (1 << 31), return_inverse=True)
    west, south = ((squares & (1 << 32) - 1) - (1 << 31)) * _SQUARE_M, (squares >> 32) * _SQUARE_M
    boxes = shapely.box(west, south, west + _SQUARE_M, south + _SQUARE_M)
    square, near = shapes[0].query(boxes, predicate="dwithin", distance=reach_m + 1.0)
    order = np.lexsort((near, square))
    start = np.searchsorted(square[order], np.arange(len(squares) + 1))
    position, away = np.full(len(points), -1, np.int64), np.full(len(points), np.nan)
    _look(points, own, (start, near[order]), shapes[1], (reach_m, tie_m), (position, away))
    return position, away


@kernel
def _look(
    points: Floats,
    own: Ints,
    around: tuple[Ints, Ints],
    shapes: _Shapes,
    reach: tuple[float, float],
    found: tuple[Ints, Floats],
) -> None:
    """Find for each point the nearest of the shapes around its square; `reach` is the largest distance, and a tie [m]."""
    start, near = around
    far = np.full(len(near), np.inf)
    for i in range(len(points)):
        least, begin, end = np.inf, start[own[i]], start[own[i] + 1]
        for k in range(begin, end):
            far[k] = _distance(points[i], near[k], shapes, least + reach[1])
            least = min(least, far[k])
        if least <= reach[0]:
            k = begin
            while far[k] > least + reach[1]:
                k += 1
            found[0][i], found[1][i] = near[k], least


@kernel
def _distance(point: Floats, target: int, shapes: _Shapes, most: float) -> float:
    """Return how far a point lies from a shape, reckoned as GEOS does; infinite where its box lies farther than `most` [m]."""
    sides, first, solid, bounds = shapes
    x, y = point[0], point[1]
    dx = max(bounds[target, 0] - x, x - bounds[target, 2], 0.0)
    dy = max(bounds[target, 1] - y, y - bounds[target, 3], 0.0)
    if dx * dx + dy * dy > most * most:
        return np.inf
    least, inside = np.inf, False
    for k in range(first[target], first[target + 1]):
        ax, ay, bx, by = sides[k, 0], sides[k, 1], sides[k, 2], sides[k, 3]
        if solid[target] and (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            inside = not inside
        length = (bx - ax) * (bx - ax) + (by - ay) * (by - ay)
        along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length if length > 0 else 0.0
        if along <= 0.0:
            gap = np.sqrt((x - ax) * (x - ax) + (y - ay) * (y - ay))
        elif along >= 1.0:
            gap = np.sqrt((x - bx) * (x - bx) + (y - by) * (y - by))
        else:
            gap = abs(((ay - y) * (bx - ax) - (ax - x) * (by - ay)) / length) * np.sqrt(length)
        least = min(least, gap)
    return 0.0 if inside else least
