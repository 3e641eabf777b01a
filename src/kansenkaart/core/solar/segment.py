r"""Roof faces from a surface model alone: planes grown inside each footprint. The same raster, the same faces.

1. In a window of 5 x 5 cells a plane is fitted around every cell; the smoothest cells become seeds, best first.
2. A seed grows over neighbours that lie on its plane and lean the same way; the plane is fitted again at every doubling.
3. Cells left over join a face beside them if they lie near its plane; the rest is no roof plane: chimney, dormer, tree.
4. On a raster five times as fine the faces of a building meet where their planes do: at a ridge or hip the lower plane is
   the roof, in a valley the higher one; at a step the border runs between the cells::

        cells       fine          ridge: min(planes)      valley: max(planes)
       |1|1|2|2|    1112222           /\                     \  /
       |1|2|2|2|    1122222          /  \                     \/

References
----------
Besl, P.J. and Jain, R.C. (1988), Segmentation through variable-order surface fitting, IEEE PAMI 10(2),
https://doi.org/10.1109/34.3881 (seeds and growing by refitted surfaces).
[1] 3DBAG, LoD2.2 of nine tiles: of 10,465 faces 99.4 % of the area has its eave higher above the ground of its building.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kansenkaart.kernel import kernel

REACH = 2  # half the window of the local plane [cells]
NONE, TRIED = -1, -2
ROOF_ABOVE_M = 1.5  # a roof lies at least this much above the lowest ground beside it: 99.4 % of roofs [1] do
GROUND_REACH = 6  # how far outside the footprint that is sought [cells]
SUNK_FROM_FRAC = (
    0.1  # of a footprint at ground level, away from its edge, from which it counts (guess; 0.05 to 0.2 alike)
)


@dataclass(frozen=True)
class GrowRule:
    """When a cell belongs to a plane.

    Attributes
    ----------
    seed_rms_m : float
        Roughest local plane that may start a face [m].
    near_m : float
        Farthest from the plane while growing [m].
    join_m : float
        Farthest from the plane for cells left over [m].
    lean : float
        Largest difference of slope between a cell and the plane, as a length of vectors [1].
    least_area_m2 : float
        Smallest face [m2].
    """

    seed_rms_m: float = 0.10
    near_m: float = 0.20
    join_m: float = 0.35
    lean: float = 0.35
    least_area_m2: float = 2.0


def segment_faces(
    surface_m: NDArray[np.float32], building: NDArray[np.int32], *, cell_size_m: float, rule: GrowRule | None = None
) -> tuple[NDArray[np.int32], pd.DataFrame]:
    """Find the roof faces of every footprint.

    Parameters
    ----------
    surface_m : numpy.ndarray
        Heights [m NAP], north up; holes as ``clean_surface`` leaves them.
    building : numpy.ndarray
        Number of the footprint of each cell, below 0 outside.
    cell_size_m : float
        Side of a cell [m].
    rule : GrowRule, optional
        When a cell belongs to a plane.

    Returns
    -------
    tuple
        Face of each cell (-1 = none), and per face ``building``, ``tilt_deg``, ``azimuth_deg`` (NaN where flatter than
        3 deg), ``roof_area_m2``, ``plan_area_m2``, ``a`` (to the east), ``b`` (to the north) [1], ``c``: height of the
        plane [m NAP] in the middle of the raster's first cell.
    """
    rule = rule or GrowRule()
    surface = np.ascontiguousarray(surface_m, dtype=np.float32)
    local = _local_planes(surface, building)
    cells = np.flatnonzero((building.ravel() >= 0) & (local[2].ravel() < rule.seed_rms_m))
    seeds = cells[np.argsort(local[2].ravel()[cells], kind="stable")]
    limits = (rule.near_m, rule.lean * cell_size_m, int(np.ceil(rule.least_area_m2 / cell_size_m**2)))
    label, planes = _grow_all(surface, building, local, seeds, limits)
    _join(surface, building, label, planes, rule.join_m)
    return label, _describe(label, building, planes, cell_size_m)


def above_ground(
    surface_m: NDArray[np.float32], building: NDArray[np.int32], count: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Take off what lies no higher than the ground beside it: a cellar under a square, a building newer than the flight.

    Parameters
    ----------
    surface_m : numpy.ndarray
        Heights [m NAP], holes as ``clean_surface`` leaves them.
    building : numpy.ndarray
        Number of the footprint of each cell, below 0 outside.
    count : int
        Number of footprints [1].

    Returns
    -------
    tuple
        ``building`` without such cells, where a footprint has enough of them away from its edge, and the share of the
        cells of each footprint that is left [1].
    """
    inside = building >= 0
    ground = _ground_beside(surface_m, building, count)
    low = inside & (surface_m < np.where(inside, ground[building], -np.inf) + ROOF_ABOVE_M)
    core = np.zeros_like(low)
    core[1:-1, 1:-1] = np.logical_and.reduce(
        [low[i : i + low.shape[0] - 2, j : j + low.shape[1] - 2] for i, j in _AROUND]
    )
    cells = np.maximum(np.bincount(building[inside], minlength=count), 1)
    sunk = np.bincount(building[core], minlength=count) >= SUNK_FROM_FRAC * cells
    gone = low & np.where(inside, sunk[building], False)
    left = 1 - np.bincount(building[gone], minlength=count) / cells
    return np.where(gone, NONE, building).astype(np.int32), left


_AROUND = [(i, j) for i in range(3) for j in range(3)]


@kernel
def _ground_beside(z: Any, building: Any, count: int) -> Any:
    """Lowest height within a few cells outside each footprint [m NAP]; lower than anything where nothing lies outside."""
    out = np.full(count, 1e9)
    for r in range(z.shape[0]):
        for c in range(z.shape[1]):
            own = building[r, c]
            if own < 0:
                continue
            for down, right in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                for step in range(1, GROUND_REACH + 1):
                    i, j = r + down * step, c + right * step
                    if i < 0 or j < 0 or i >= z.shape[0] or j >= z.shape[1] or building[i, j] >= 0:
                        break
                    if z[i, j] > -9000:
                        out[own] = min(out[own], z[i, j])
    for own in range(count):
        out[own] = out[own] if out[own] < 1e9 else -1e9
    return out


def _describe(
    label: NDArray[np.int32], building: NDArray[np.int32], planes: NDArray[np.float64], size: float
) -> pd.DataFrame:
    """Turn planes in cells into faces in metres."""
    on = label >= 0
    count = np.bincount(label[on], minlength=len(planes))
    owner = np.full(len(planes), -1, dtype=np.int64)
    owner[label[on]] = building[on]
    a, b = planes[:, 0] / size, -planes[:, 1] / size  # rows run south
    steep = np.hypot(a, b)
    tilt = np.degrees(np.arctan(steep))
    plan = count * size**2
    return pd.DataFrame(
        {
            "building": owner,
            "tilt_deg": tilt,
            "azimuth_deg": np.where(tilt >= 3.0, np.degrees(np.arctan2(-a, -b)) % 360, np.nan),
            "roof_area_m2": plan * np.sqrt(1 + steep**2),
            "plan_area_m2": plan,
            "a": a,
            "b": b,
            "c": planes[:, 2],
        }
    )


def refine(
    label: NDArray[np.int32], planes: NDArray[np.float64], *, fold: int, meet_m: float = 0.5
) -> NDArray[np.int32]:
    """Draw the faces of one building on a finer raster, each up to where its plane meets that of its neighbour.

    Parameters
    ----------
    label : numpy.ndarray
        Face of each cell of the building's window, 0 .. n-1, below 0 where there is none.
    planes : numpy.ndarray
        (n, 3): rise per cell to the right and down, height in the middle of the window's first cell [m].
    fold : int
        Fine cells along a cell [1].
    meet_m : float
        Planes that pass each other by less at their common border meet there; others stand at a step [m].

    Returns
    -------
    numpy.ndarray
        Face of each fine cell, (rows * fold, columns * fold); it reaches about one cell past the cells given, so that
        it can be cut with the footprint.
    """
    return np.asarray(_refine(label, planes, _meetings(label, planes, meet_m), fold))


@kernel
def _meetings(label: Any, planes: Any, meet: float) -> Any:
    """How faces meet, (n, n): 1 at a ridge (the lower plane is the roof), -1 in a valley (the higher), 0 at a step."""
    n = len(planes)
    votes, gap, count = np.zeros((n, n)), np.zeros((n, n)), np.zeros((n, n))
    height, width = label.shape
    for r in range(height):
        for c in range(width):
            for down, right in ((1, 0), (0, 1)):
                i, j = r + down, c + right
                if i >= height or j >= width or label[r, c] < 0 or label[i, j] < 0 or label[i, j] == label[r, c]:
                    continue
                f, g = label[r, c], label[i, j]
                over_f = _height(planes, g, r, c) - _height(planes, f, r, c)
                over_g = _height(planes, f, i, j) - _height(planes, g, i, j)
                vote = 1.0 if over_f + over_g > 0 else -1.0
                for a, b in ((f, g), (g, f)):
                    votes[a, b] += vote
                    gap[a, b] += abs(over_f - over_g) / 2
                    count[a, b] += 1
    out = np.zeros((n, n), np.int8)
    for f in range(n):
        for g in range(n):
            if count[f, g] > 0 and gap[f, g] < meet * count[f, g]:
                out[f, g] = 1 if votes[f, g] > 0 else -1
    return out


@kernel
def _height(planes: Any, f: int, r: float, c: float) -> float:
    """Height of the plane of a face at a place [m]."""
    return float(planes[f, 0] * c + planes[f, 1] * r + planes[f, 2])


@kernel
def _refine(label: Any, planes: Any, meetings: Any, fold: int) -> Any:
    """Give each fine cell the face of the cells around it, then let the planes of its neighbours decide."""
    height, width = label.shape
    out = np.full((height * fold, width * fold), NONE, np.int32)
    for i in range(out.shape[0]):
        r = (i + 0.5) / fold - 0.5
        for j in range(out.shape[1]):
            c = (j + 0.5) / fold - 0.5
            own = _heaviest(label, r, c)
            if own < 0:
                continue
            for row in range(max(int(np.floor(r)) - 1, 0), min(int(np.floor(r)) + 3, height)):
                for col in range(max(int(np.floor(c)) - 1, 0), min(int(np.floor(c)) + 3, width)):
                    other = label[row, col]
                    if other < 0 or other == own:
                        continue
                    if (_height(planes, own, r, c) - _height(planes, other, r, c)) * meetings[own, other] > 0:
                        own = other
            out[i, j] = own
    return out


@kernel
def _heaviest(label: Any, r: float, c: float) -> int:
    """Face with the largest weight among the cells within two of a place, falling off with distance; -1 without any."""
    best, most = NONE, 0.0
    low_r, low_c = int(np.floor(r)), int(np.floor(c))
    for row in range(max(low_r - 1, 0), min(low_r + 3, label.shape[0])):
        for col in range(max(low_c - 1, 0), min(low_c + 3, label.shape[1])):
            face = label[row, col]
            if face < 0 or face == best:
                continue
            weight = 0.0
            for k in range(max(low_r - 1, 0), min(low_r + 3, label.shape[0])):
                for m in range(max(low_c - 1, 0), min(low_c + 3, label.shape[1])):
                    if label[k, m] == face:
                        weight += np.exp(-2.0 * ((k - r) ** 2 + (m - c) ** 2))
            if weight > most:
                best, most = face, weight
    return best


@kernel
def _solve(m: Any) -> Any:
    """Plane z = a x + b y + c through moments n, x, y, xx, xy, yy, z, xz, yz, zz; and its rms distance."""
    n = m[0]
    mx, my, mz = m[1] / n, m[2] / n, m[6] / n
    xx, xy, yy = m[3] - n * mx * mx, m[4] - n * mx * my, m[5] - n * my * my
    xz, yz, zz = m[7] - n * mx * mz, m[8] - n * my * mz, m[9] - n * mz * mz
    det = xx * yy - xy * xy
    if det < 1e-6:
        return 0.0, 0.0, mz, 1e9
    a, b = (xz * yy - yz * xy) / det, (yz * xx - xz * xy) / det
    return a, b, mz - a * mx - b * my, np.sqrt(max(zz - a * xz - b * yz, 0.0) / n)


@kernel
def _add(m: Any, x: float, y: float, z: float) -> None:
    """Add a point to the moments."""
    m[0] += 1
    m[1] += x
    m[2] += y
    m[3] += x * x
    m[4] += x * y
    m[5] += y * y
    m[6] += z
    m[7] += x * z
    m[8] += y * z
    m[9] += z * z


@kernel
def _local_planes(z: Any, building: Any) -> Any:
    """Slope per cell to the right and down, and rms distance, of the plane around every cell of a footprint."""
    height, width = z.shape
    out = np.zeros((3, height, width), np.float32)
    out[2] = 1e9
    m = np.zeros(10)
    for r in range(height):
        for c in range(width):
            if building[r, c] < 0 or z[r, c] < -9000:
                continue
            m[:] = 0
            for i in range(max(r - REACH, 0), min(r + REACH + 1, height)):
                for j in range(max(c - REACH, 0), min(c + REACH + 1, width)):
                    if building[i, j] == building[r, c] and z[i, j] > -9000:
                        _add(m, j - c, i - r, z[i, j] - z[r, c])
            if m[0] >= 8:
                out[0, r, c], out[1, r, c], _, out[2, r, c] = _solve(m)
    return out


@kernel
def _grow_all(z: Any, building: Any, local: Any, seeds: Any, limits: Any) -> Any:
    """Grow faces from the seeds, smoothest first."""
    height, width = z.shape
    label = np.full((height, width), NONE, np.int32)
    planes = np.empty((len(seeds) // limits[2] + 1, 3))
    queue = np.empty(height * width, np.int32)
    count = 0
    for seed in seeds:
        r, c = seed // width, seed % width
        if label[r, c] != NONE:
            continue
        size, m = _grow(z, building, local, (r, c, count), limits, label, queue)
        if size >= limits[2] and count < len(planes):
            a, b, level, _ = _solve(m)
            planes[count] = a, b, level - a * c - b * r + z[r, c]
            count += 1
        else:
            for i in range(size):
                label[queue[i] // width, queue[i] % width] = NONE
            label[r, c] = TRIED
    return label, planes[:count].copy()


@kernel
def _grow(z: Any, building: Any, local: Any, seed: Any, limits: Any, label: Any, queue: Any) -> Any:
    """Grow one face; returns its size and moments relative to the seed."""
    height, width = z.shape
    r0, c0, name = seed
    near, lean, _ = limits
    a, b, level = float(local[0, r0, c0]), float(local[1, r0, c0]), 0.0
    m = np.zeros(10)
    _add(m, 0.0, 0.0, 0.0)
    queue[0], head, tail, refit = r0 * width + c0, 0, 1, 16
    label[r0, c0] = name
    while head < tail:
        r, c = queue[head] // width, queue[head] % width
        head += 1
        for step in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            i, j = r + step[0], c + step[1]
            if i < 0 or j < 0 or i >= height or j >= width:
                continue
            if (label[i, j] != NONE and label[i, j] != TRIED) or building[i, j] != building[r0, c0]:
                continue
            rise = z[i, j] - z[r0, c0]
            leans = np.hypot(local[0, i, j] - a, local[1, i, j] - b)
            if abs(rise - a * (j - c0) - b * (i - r0) - level) > near or (leans > lean and local[2, i, j] < near):
                continue
            label[i, j] = name
            queue[tail] = i * width + j
            tail += 1
            _add(m, j - c0, i - r0, rise)
            if tail == refit:
                a, b, level, _ = _solve(m)
                refit *= 2
    return tail, m


@kernel
def _nearest_face(z: Any, building: Any, label: Any, planes: Any, cell: Any) -> int:
    """Face of a neighbour whose plane passes nearest to a cell, if any passes near enough."""
    r, c, best = cell
    nearest = NONE
    for i in range(max(r - 1, 0), min(r + 2, z.shape[0])):
        for j in range(max(c - 1, 0), min(c + 2, z.shape[1])):
            f = label[i, j]
            if f >= 0 and building[i, j] == building[r, c]:
                far = abs(z[r, c] - planes[f, 0] * c - planes[f, 1] * r - planes[f, 2])
                if far < best:
                    best, nearest = far, f
    return nearest


@kernel
def _join(z: Any, building: Any, label: Any, planes: Any, near: float) -> None:
    """Let cells left over join the face next to them whose plane lies nearest, two rounds; the rest stays without."""
    height, width = z.shape
    for _ in range(2):
        before = label.copy()
        for r in range(height):
            for c in range(width):
                if building[r, c] < 0 or before[r, c] >= 0:
                    continue
                label[r, c] = _nearest_face(z, building, before, planes, (r, c, near))
    for r in range(height):
        for c in range(width):
            label[r, c] = max(label[r, c], NONE)
