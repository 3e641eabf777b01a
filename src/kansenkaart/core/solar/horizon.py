"""Horizons of roof cells in a surface model: how high the world stands around every module.

A row of look directions (azimuths) is swept one after the other. Along each line of cells, from far to near, the
kernel carries sixteen *shadow heights* at once, one per slope t_k [1]: s_k <- max(s_k - t_k d, z), the height [m]
under which a ray of slope t_k is blocked. At a roof cell the slopes whose shadow lies above the observer are counted,
and the horizon's slope follows from the last ones: s(t) is convex and piecewise linear (its slope is the distance of
the obstacle), so it lies between the secant from the left and the chord across the crossing; their mean is taken.

Lines are digital straight lines, so no height is ever blended; the distance between two cells is their exact
distance along the look direction. Cost is one SIMD instruction or three for each cell and azimuth, whatever the range.

References
----------
1. Dozier, J. and Frew, J. (1990), Rapid calculation of terrain parameters for radiation modeling, IEEE Trans. Geosci.
   Remote Sens. 28(5), https://doi.org/10.1109/36.58986 (horizons by sweeping lines).
2. Steger, C.R. et al. (2022), HORAYZON v1.2, Geosci. Model Dev. 15, https://doi.org/10.5194/gmd-15-6817-2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from kansenkaart.errors import ConfigError

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

LOW_M = np.float32(-1.0e4)  # stands for "nothing there": below every surface
NODATA_ABOVE_M = 9000.0  # no surface on Earth is higher: 3.4e38 and friends are nodata
SCALE = 65535.0  # a horizon is stored as round(SCALE * t / (1 + t)), t its slope
STRIP = 512  # lines swept together, so that their shadow heights stay in the first cache
LEVELS = np.array(
    [-0.05, 0.0, 0.04, 0.09, 0.15, 0.22, 0.30, 0.40, 0.52, 0.68, 0.90, 1.2, 1.7, 2.7, 6.0, 25.0], dtype=np.float32
)  # slopes t_k [1]; the first, below 0, only anchors the chord of the lowest step
K = LEVELS.size
ONE, HALF, TINY, CODES = np.float32(1.0), np.float32(0.5), np.float32(1e-6), np.float32(SCALE)
SECANT_SHARE = np.float32(0.75)  # weight of the secant; fitted to exact horizons of the benchmark scene (bias 0)


@dataclass(frozen=True)
class RoofCells:
    """Cells of which the horizon is wanted, ordered by row and then by column.

    Attributes
    ----------
    rows, cols : numpy.ndarray
        Position in the surface, int32.
    observer_m : numpy.ndarray
        Height of the observer (a module's face) [m NAP], float32.
    """

    rows: Ints
    cols: Ints
    observer_m: Floats

    @property
    def size(self) -> int:
        """Number of cells [1]."""
        return int(self.rows.size)


def clean_surface(dsm: NDArray[Any], *, nodata: float | None = None) -> tuple[Floats, int]:
    """Make a surface safe to sweep: holes become nothing, never a tower.

    Parameters
    ----------
    dsm : numpy.ndarray
        Heights [m NAP]; holes may be NaN, infinite, ``nodata`` or the 3.4e38 of AHN.
    nodata : float, optional
        The raster's own value for holes.

    Returns
    -------
    tuple
        The surface as float32 with holes at -10,000 m, and the number of holes [1].

    Raises
    ------
    ConfigError
        If the array is not a two-dimensional raster.
    """
    if dsm.ndim != 2:
        raise ConfigError("a raster with rows and columns", found=f"an array of {dsm.ndim} dimensions", where="dsm")
    heights = np.array(dsm, dtype=np.float32, order="C")
    holes = ~(np.abs(heights) < NODATA_ABOVE_M)
    if nodata is not None:
        holes |= heights == np.float32(nodata)
    heights[holes] = LOW_M
    return heights, int(holes.sum())


def roof_cells(mask: NDArray[np.bool_], heights_m: Floats, *, observer_raise_m: float = 0.2) -> RoofCells:
    """Observers on every cell of a mask.

    Parameters
    ----------
    mask : numpy.ndarray
        True where a module could lie.
    heights_m : numpy.ndarray
        Height of the roof (surface or plane) of the same shape [m NAP].
    observer_raise_m : float
        Height of the module above the roof [m]; at 0 the stairs and the noise of the raster shade the roof.

    Returns
    -------
    RoofCells
        Row by row.
    """
    rows, cols = np.nonzero(mask)
    observer = heights_m[rows, cols] + np.float32(observer_raise_m)
    return RoofCells(rows.astype(np.int32), cols.astype(np.int32), observer.astype(np.float32))


def azimuths_deg(count: int) -> NDArray[np.float64]:
    """Centres of the azimuth sectors, 0 = north, clockwise [deg]."""
    if count < 4:
        raise ConfigError("at least 4 azimuth sectors", found=str(count), where="azimuths")
    return np.arange(count) * (360.0 / count)


def encode_slope(slope: NDArray[Any]) -> NDArray[np.uint16]:
    """Store the slope (tangent) of a horizon [1] in 16 bits; below 0 becomes 0."""
    t = np.maximum(np.asarray(slope, dtype=np.float64), 0.0)
    return np.asarray(np.round(SCALE * t / (1.0 + t)), dtype=np.uint16)


def decode_slope(code: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Slope (tangent) [1] of a stored horizon; the highest code is a vertical wall (infinite)."""
    u = np.asarray(code, dtype=np.float64) / SCALE
    with np.errstate(divide="ignore"):
        return np.asarray(u / (1.0 - u))


def horizons(
    surface_m: Floats,
    cells: RoofCells,
    *,
    cell_size_m: float,
    azimuths: int = 36,
    origin: tuple[int, int] = (0, 0),
) -> NDArray[np.uint16]:
    """Horizon of every roof cell in every azimuth.

    Parameters
    ----------
    surface_m : numpy.ndarray
        Heights from ``clean_surface`` [m NAP], north up.
    cells : RoofCells
        The observers.
    cell_size_m : float
        Side of a cell [m].
    azimuths : int
        Number of sectors [1]; their centres are ``azimuths_deg(azimuths)``.
    origin : tuple of int
        Row and column of the surface's first cell in the sheet that it is a window of; neighbouring tiles
        then walk the same lines and agree on their seam.

    Returns
    -------
    numpy.ndarray
        Codes (azimuths, cells) for ``decode_slope``; a horizon under 0 is 0.
    """
    out = np.zeros((azimuths, cells.size), dtype=np.uint16)
    if cells.size == 0:
        return out
    height, width = surface_m.shape
    order, starts_t = _column_order(cells.cols, width)
    starts = np.searchsorted(cells.rows, np.arange(height + 1, dtype=np.int32)).astype(np.int32)
    angles = np.radians(azimuths_deg(azimuths))
    # Axes of a walk: "major" is the axis it steps along, "minor" the one it drifts along.
    looks = np.stack([-np.cos(angles), np.sin(angles)], axis=1)  # (row, col) per azimuth
    _sweep_all(
        (surface_m, np.ascontiguousarray(surface_m.T)),
        (cells.rows, cells.cols, cells.observer_m, starts, np.arange(cells.size, dtype=np.int32)),
        (cells.cols[order], cells.rows[order], cells.observer_m[order], starts_t, order),
        np.round(looks, 12),
        np.float32(cell_size_m),
        (int(origin[0]), int(origin[1])),
        out,
    )
    return out


@njit(cache=True, nogil=True)
def _column_order(cols: Any, width: int) -> Any:
    """Order of the cells by column and then row (a counting sort), and where each column starts."""
    starts = np.zeros(width + 1, np.int32)
    for c in cols:
        starts[c + 1] += 1
    for c in range(width):
        starts[c + 1] += starts[c]
    order = np.empty(cols.size, np.int32)
    place = starts.copy()
    for i in range(cols.size):
        order[place[cols[i]]] = i
        place[cols[i]] += 1
    return order, starts


@njit(cache=True, nogil=True, parallel=True)
def _sweep_all(surfaces: Any, by_row: Any, by_col: Any, looks: Any, size: Any, origin: Any, out: Any) -> None:
    """Sweep every azimuth, along rows or along columns, whichever its direction crosses faster."""
    for a in prange(looks.shape[0]):
        down, right = looks[a, 0], looks[a, 1]
        if abs(down) >= abs(right):
            _sweep(surfaces[0], by_row, (down, right), size, (origin[0], origin[1]), out[a])
        else:
            _sweep(surfaces[1], by_col, (right, down), size, (origin[1], origin[0]), out[a])


@njit(cache=True, nogil=True)
def _shifts(count: int, sign: int, drift: float, origin: int) -> Any:
    """Drift in cells of a line at every step of the walk, in phase with the whole sheet."""
    shift = np.empty(count, np.int32)
    first = origin if sign > 0 else -(origin + count - 1)
    for j in range(count):
        shift[j] = np.int32(np.floor((first + j) * drift + 0.5))
    return shift


@njit(cache=True, nogil=True)
def _sweep(z: Any, cells: Any, look: Any, size: Any, origin: Any, out: Any) -> None:
    """Sweep one azimuth in strips of lines, from the far side of the look direction to the near side."""
    height, width = z.shape
    starts = cells[3]
    sign = 1 if look[0] < 0 else -1
    shift = _shifts(height, sign, -look[1] / abs(look[0]), origin[0])
    first, last = height, -1
    for j in range(height):  # rows of the walk that hold a roof
        row = j if sign > 0 else height - 1 - j
        if starts[row + 1] > starts[row]:
            first, last = min(first, j), max(last, j)
    lowest = min(-shift[first], -shift[last])
    highest = width - min(shift[first], shift[last])
    state = np.empty((K, STRIP + 16), np.float32)  # padded: no two levels share a cache set
    step = np.empty((2, K), np.float32)
    counts = np.empty(STRIP, np.int64)
    for left in range(lowest, highest, STRIP):
        state[:] = LOW_M
        for j in range(last + 1):
            row = j if sign > 0 else height - 1 - j
            moved = abs(shift[j] - shift[max(j - 1, 0)])
            drop = step[moved]
            for k in range(K):
                drop[k] = LEVELS[k] * size * np.float32(abs(look[0]) + moved * abs(look[1]))
            begin, end = max(left + shift[j], 0), min(left + STRIP + shift[j], width)
            if end <= begin:
                continue
            if starts[row + 1] > starts[row]:
                _observe(state, drop, cells, (row, begin, end, left + shift[j]), counts, out)
            _step(state, drop, z[row], begin, end, left + shift[j])


@njit(cache=True, nogil=True)
def _step(state: Any, drop: Any, z: Any, begin: int, end: int, offset: int) -> None:
    """Move the shadows one cell nearer and let the cells there cast theirs."""
    top = z[begin:end]
    for k in range(K):
        fall = drop[k]
        line = state[k, begin - offset : end - offset]
        for i in range(top.size):
            line[i] = max(line[i] - fall, top[i])


@njit(cache=True, nogil=True)
def _observe(state: Any, drop: Any, cells: Any, span: Any, counts: Any, out: Any) -> None:
    """Read the horizon of the roof cells of one row that lie in this strip."""
    _, cols, observer, starts, index = cells
    row, begin, end, offset = span
    own = cols[starts[row] : starts[row + 1]]
    first = starts[row] + np.searchsorted(own, begin)
    last = starts[row] + np.searchsorted(own, end)
    for i in range(first, last):
        x, eye = cols[i] - offset, observer[i]
        # Count the slopes whose shadow is above the eye: the heights fall with k, so halve the search, without a branch.
        count = np.int64(state[7, x] - drop[7] > eye) << 3
        count += np.int64(state[count + 3, x] - drop[count + 3] > eye) << 2
        count += np.int64(state[count + 1, x] - drop[count + 1] > eye) << 1
        count += np.int64(state[count, x] - drop[count] > eye)
        counts[i - first] = count + np.int64(state[count, x] - drop[count] > eye)
    for i in range(first, last):
        count = counts[i - first]
        x, eye = cols[i] - offset, observer[i]
        out[index[i]] = _crossing(state, drop, x, eye, max(count, 2)) if count > 1 else np.uint16(0)


@njit(cache=True, nogil=True, error_model="numpy")
def _crossing(state: Any, drop: Any, x: int, eye: Any, count: int) -> Any:
    """Slope at which the shadow height falls to the eye, between the secant from the left and the chord across."""
    upper = min(count, K - 1)
    t1, t0 = LEVELS[count - 1], LEVELS[count - 2]
    above = state[count - 1, x] - drop[count - 1] - eye
    before = state[count - 2, x] - drop[count - 2] - eye
    below = state[upper, x] - drop[upper] - eye
    secant = above * (t1 - t0) / (before - above + TINY)
    chord = above * (LEVELS[upper] - t1) / (above - below + TINY)
    chord = chord if count < K else secant
    secant = secant if secant < chord else chord
    t = t1 + SECANT_SHARE * secant + (ONE - SECANT_SHARE) * chord
    return np.uint16(CODES * t / (ONE + t) + HALF)
