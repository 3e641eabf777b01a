"""Roof faces as planes: tilt, azimuth and true area from polygons, surfaces raised from them, and what is free on them.

A plane is z = a x + b y + c [m RD, m NAP]; tilt 0 is flat, azimuth is the direction of steepest descent, 0 = north.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numba import njit
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
LEAST_AREA_M2 = 0.01  # smaller is a sliver of the modelling, not a face
FLAT_BELOW_DEG = 3.0  # below it an azimuth is noise
WALL_ABOVE_DEG = 85.0


def face_planes(polygons: Sequence[Any]) -> tuple[pd.DataFrame, Counter[str]]:
    """Find the plane of every face by Newell's normal, holes taken off.

    Parameters
    ----------
    polygons : sequence of shapely Polygon
        With heights; None where a face is missing. The order of the corners does not matter.

    Returns
    -------
    tuple
        One row per polygon: ``tilt_deg``, ``azimuth_deg`` (NaN where flat), ``roof_area_m2`` (true), ``plan_area_m2``
        [m2], ``a``, ``b`` [1], ``c`` [m NAP], ``fault`` (None or a name), and the number of faces per fault: ``missing``,
        ``no height``, ``zero area``, ``self-crossing``, ``wall``. A fault leaves the plane NaN, never the row out.

    References
    ----------
    Sutherland, Sproull and Schumacker (1974), A characterization of ten hidden-surface algorithms, ACM Comput. Surv. 6(1)
    (Newell's normal), https://doi.org/10.1145/356625.356626.
    """
    rows = [_face_plane(p) for p in polygons]
    frame = pd.DataFrame(rows, columns=[*_COLUMNS, "fault"])
    return frame, Counter(str(r[-1]) for r in rows if r[-1] is not None)


_COLUMNS = ["tilt_deg", "azimuth_deg", "roof_area_m2", "plan_area_m2", "a", "b", "c"]


def newell(ring: NDArray[Any]) -> Doubles:
    """Area vector of a closed or open ring of 3D corners [m2]: its length is the area, its direction the normal."""
    points = np.asarray(ring, dtype=np.float64)
    points = points - points.mean(axis=0)  # RD coordinates are large: keep the digits
    return np.asarray(0.5 * np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0))


def _face_plane(polygon: Any) -> tuple[Any, ...]:
    blank = (np.nan,) * len(_COLUMNS)
    if polygon is None or polygon.is_empty:
        return (*blank, "missing")
    if not polygon.has_z:
        return (*blank, "no height")
    rings = [np.array(r.coords) for r in (polygon.exterior, *polygon.interiors)]
    outer = newell(rings[0])
    normal = outer - sum((_along(newell(r), outer) for r in rings[1:]), np.zeros(3))
    area = float(np.linalg.norm(normal))
    if not area > LEAST_AREA_M2 or not np.linalg.norm(outer) > 0:
        return (*blank, "zero area")
    normal = normal if normal[2] >= 0 else -normal
    tilt = float(np.degrees(np.arctan2(np.hypot(normal[0], normal[1]), normal[2])))
    if tilt > WALL_ABOVE_DEG:
        return (*blank, "wall")
    if not shapely.is_valid(shapely.force_2d(polygon)):
        return (*blank, "self-crossing")
    azimuth = float(np.degrees(np.arctan2(normal[0], normal[1])) % 360) if tilt >= FLAT_BELOW_DEG else np.nan
    a, b = -normal[0] / normal[2], -normal[1] / normal[2]
    middle = rings[0][:-1].mean(axis=0)
    return (tilt, azimuth, area, float(normal[2]), a, b, middle[2] - a * middle[0] - b * middle[1], None)


def _along(hole: Doubles, outer: Doubles) -> Doubles:
    """Turn a hole's area vector the way of its face, whatever the order of its corners."""
    return hole if hole @ outer >= 0 else -hole


def raise_surface(
    ground_m: NDArray[Any],
    face: NDArray[np.int32],
    planes: Doubles,
    *,
    origin_m: tuple[float, float],
    cell_size_m: float,
) -> NDArray[np.float32]:
    """Raise a surface from faces alone, so that neighbours shade each other where there is no surface model.

    Parameters
    ----------
    ground_m : numpy.ndarray
        Height of the ground [m NAP].
    face : numpy.ndarray
        Face of each cell, below 0 where there is none.
    planes : numpy.ndarray
        (faces, 3) a, b, c of each plane.
    origin_m : tuple of float
        x and y of the upper left corner [m RD].
    cell_size_m : float
        Side of a cell [m].

    Returns
    -------
    numpy.ndarray
        Heights [m NAP]; never below the ground.
    """
    x = origin_m[0] + (np.arange(face.shape[1]) + 0.5) * cell_size_m
    y = origin_m[1] - (np.arange(face.shape[0]) + 0.5) * cell_size_m
    return np.asarray(_raise(np.asarray(ground_m, np.float32), face, np.asarray(planes, float), x, y))


@njit(cache=True, nogil=True)
def _raise(ground: Any, face: Any, planes: Any, x: Any, y: Any) -> Any:
    out = ground.copy()
    for r in range(face.shape[0]):
        for c in range(face.shape[1]):
            f = face[r, c]
            if f >= 0:
                z = planes[f, 0] * x[c] + planes[f, 1] * y[r] + planes[f, 2]
                if not z < out[r, c]:
                    out[r, c] = z
    return out


def usable_mask(
    face: NDArray[np.int32],
    *,
    plane_m: NDArray[Any],
    surface_m: NDArray[Any],
    clearance_m: float = 0.5,
    set_back_cells: int = 1,
) -> NDArray[np.bool_]:
    """Say which cells of a face can carry a module: no tree, dormer or chimney above the plane, nor right beside one.

    Parameters
    ----------
    face : numpy.ndarray
        Face of each cell, below 0 where there is none.
    plane_m, surface_m : numpy.ndarray
        Height of the plane and of the surface [m NAP]; a hole (NaN or 3.4e38) in the surface is not usable.
    clearance_m : float
        What stands more than this above the plane is an obstacle [m].
    set_back_cells : int
        Cells left free around an obstacle [1].
    """
    above = surface_m - plane_m
    blocked = (face >= 0) & ~(above <= clearance_m)
    grown = blocked.copy()
    for _ in range(set_back_cells):
        wide = grown.copy()
        wide[1:] |= grown[:-1]
        wide[:-1] |= grown[1:]
        wide[:, 1:] |= grown[:, :-1]
        wide[:, :-1] |= grown[:, 1:]
        grown = wide
    return np.asarray((face >= 0) & ~grown)
