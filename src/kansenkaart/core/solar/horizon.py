"""Horizons of roof cells in a surface model: how high the world stands around every module.

Every look direction (azimuth) is swept by itself, in ``horizon_kernel.py``: along parallel lines, from far to near, the
heights are carried under which rays of sixteen slopes are blocked. The cost is a few SIMD instructions per cell and
azimuth, whatever the range.

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
from numpy.typing import NDArray

from kansenkaart.core.solar.horizon_kernel import (
    HALF,
    LOW_M,
    roof_lists,
    step_m,
    steps,
    sweep_all,
)
from kansenkaart.core.solar.horizon_plain import SCALE
from kansenkaart.errors import ConfigError
from kansenkaart.kernel import kernel

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

NODATA_ABOVE_M = 9000.0  # no surface on Earth is higher: 3.4e38 and friends are nodata


@dataclass(frozen=True)
class RoofCells:
    """Cells of which the horizon is wanted, by row and then column (int32), and the observer's height [m NAP]."""

    rows: Ints
    cols: Ints
    observer_m: Floats


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
    """Put observers on every cell of a mask.

    Parameters
    ----------
    mask : numpy.ndarray
        True where a module could lie.
    heights_m : numpy.ndarray
        Height of the roof (surface or plane) of the same shape [m NAP].
    observer_raise_m : float
        Height of the module above the roof [m]; at 0 the stairs and the noise of the raster shade the roof.
    """
    return RoofCells(*_observers(mask, np.asarray(heights_m, np.float32), np.float32(observer_raise_m)))


@kernel
def _observers(mask: Any, heights: Any, lift: Any) -> Any:
    """Rows, columns and raised heights of the cells of a mask, by row and then column."""
    starts = np.zeros(mask.shape[0] + 1, np.int64)
    for r in range(mask.shape[0]):
        starts[r + 1] = starts[r] + mask[r].sum()
    rows, cols = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.int32)
    observer = np.empty(starts[-1], np.float32)
    for r in range(mask.shape[0]):
        i = starts[r]
        if starts[r + 1] > i:
            for c in range(mask.shape[1]):
                if mask[r, c]:
                    rows[i], cols[i], observer[i] = r, c, heights[r, c] + lift
                    i += 1
    return rows, cols, observer


def azimuths_deg(count: int) -> NDArray[np.float64]:
    """Centres of the azimuth sectors, 0 = north, clockwise [deg].

    Parameters
    ----------
    count : int
        Number of sectors [1], at least 4.
    """
    if count < 4:
        raise ConfigError("at least 4 azimuth sectors", found=str(count), where="azimuths")
    return np.asarray(np.arange(count) * (360.0 / count), dtype=np.float64)


def encode_slope(slope: NDArray[Any]) -> NDArray[np.uint16]:
    """Store the slope (tangent) of a horizon [1] in 16 bits; below 0 becomes 0.

    Parameters
    ----------
    slope : array
        Tangent of the horizon's height [1].
    """
    t = np.maximum(np.asarray(slope, dtype=np.float64), 0.0)
    return np.asarray(np.round(SCALE * t / (1.0 + t)), dtype=np.uint16)


@kernel
def _span(surface: Any, observer: Any) -> Any:
    """Lowest and highest height of a surface and its observers, holes left out [m]."""
    low, high = np.float32(np.inf), np.float32(-np.inf)
    for row in surface:
        for z in row:
            low = z if LOW_M < z < low else low
            high = max(high, z)
    for eye in observer:
        low, high = min(low, eye), max(high, eye)
    return low, high


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
        Codes (azimuths, cells) as of ``encode_slope``; a horizon under 0 is 0.
    """
    out = np.zeros((azimuths, cells.rows.size), dtype=np.uint16)
    if cells.rows.size == 0:
        return out
    low, high = _span(surface_m, cells.observer_m)
    middle, step = np.float32(np.round((low + high) / 2)), step_m(float(high - low), cell_size_m)
    eye = np.floor((cells.observer_m - middle) / np.float32(step) + HALF).astype(np.int32)
    by_row, by_col = roof_lists(cells.rows, cells.cols, eye, surface_m.shape)
    angles = np.radians(azimuths_deg(azimuths))
    looks = np.stack([-np.cos(angles), np.sin(angles)], axis=1)  # (row, col) per azimuth
    sweep_all(
        steps(surface_m, middle, np.float32(step)),
        by_row,
        by_col,
        np.round(looks, 12),
        (float(cell_size_m), step),
        (int(origin[0]), int(origin[1])),
        out,
    )
    return out
