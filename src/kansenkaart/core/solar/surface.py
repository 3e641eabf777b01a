"""Irradiation of whole sheets, tile by tile: memory is bounded by one tile and its halo, and seams vanish.

halo: seen, not scored
+-----------------------------+
|   +---------------------+   |      every cell is scored in the one tile that owns it;
|   |        tile         |   |      its obstacles come from the tile and 200 m around it
|   +---------------------+   |
+-----------------------------+
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kansenkaart.core.solar.cells import STEEPEST_DEG, KernelTable, RoofPlanes, irradiate, kernel_table, roof_planes
from kansenkaart.core.solar.horizon import Floats, RoofCells, clean_surface, horizons, roof_cells
from kansenkaart.core.solar.irradiance import IrradianceTable

__all__ = [
    "STEEPEST_DEG",
    "KernelTable",
    "RoofPlanes",
    "TileResult",
    "Window",
    "irradiate",
    "irradiate_sheet",
    "kernel_table",
    "open_months",
    "roof_planes",
]

HALO_M = 200.0


def open_months(tilt: NDArray[Any], azimuth: NDArray[Any], table: IrradianceTable) -> NDArray[np.float64]:
    """Irradiation of open planes month by month.

    Parameters
    ----------
    tilt, azimuth : numpy.ndarray
        Of the planes [deg].
    table : IrradianceTable
        The station.

    Returns
    -------
    numpy.ndarray
        (planes, 12) [kWh/m2].
    """
    kernel = kernel_table(table, monthly=True)
    return np.asarray(roof_planes(tilt, azimuth, table=table, kernel=kernel).open_kwh_per_m2, dtype=float)


@dataclass(frozen=True)
class TileResult:
    """Irradiated cells of one tile.

    Attributes
    ----------
    rows, cols : numpy.ndarray
        Position in the whole sheet.
    face : numpy.ndarray
        Label of each cell's face.
    energy : numpy.ndarray
        (cells, periods) [kWh/m2].
    holes : int
        Cells of the window without a height [1].
    """

    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    face: NDArray[np.int32]
    energy: Floats
    holes: int


@dataclass(frozen=True)
class Window:
    """What a reader returns for a window of the sheet; all arrays of one shape.

    Attributes
    ----------
    surface_m : numpy.ndarray
        Heights [m NAP].
    face : numpy.ndarray
        Label of the face of each usable cell, an index in the planes; below 0 where there is none, int32.
    observer_m : numpy.ndarray or None
        Height of the plane [m NAP] where it is better than the surface itself.
    """

    surface_m: NDArray[Any]
    face: NDArray[np.int32]
    observer_m: Floats | None = None


def irradiate_sheet(
    read: Callable[[int, int, int, int], Window],
    planes: RoofPlanes,
    *,
    shape: tuple[int, int],
    cell_size_m: float,
    table: KernelTable,
    tile: int = 2048,
    observer_raise_m: float = 0.2,
) -> Iterator[TileResult]:
    """Irradiate a sheet of any size; memory is bounded by one tile and its halo of 200 m.

    Parameters
    ----------
    read : callable
        ``read(row, col, rows, cols)`` gives a ``Window``; it is asked once per tile, always within ``shape``.
    planes : RoofPlanes
        From ``roof_planes``; the labels of the windows index it.
    shape : tuple of int
        Rows and columns of the sheet.
    cell_size_m : float
        Side of a cell [m].
    table : KernelTable
        The station.
    tile : int
        Side of a tile [cells].
    observer_raise_m : float
        Height of the module above the roof [m].

    Yields
    ------
    TileResult
        Per tile that holds a usable cell.
    """
    halo = int(np.ceil(HALO_M / cell_size_m))
    for top in range(0, shape[0], tile):
        for left in range(0, shape[1], tile):
            row, col = max(top - halo, 0), max(left - halo, 0)
            window = read(row, col, min(top + tile + halo, shape[0]) - row, min(left + tile + halo, shape[1]) - col)
            own = (slice(top - row, top - row + tile), slice(left - col, left - col + tile))
            result = _tile(window, own, planes, (row, col), (cell_size_m, observer_raise_m), table)
            if result is not None:
                yield result


def _tile(
    window: Window,
    own: tuple[slice, slice],
    planes: RoofPlanes,
    origin: tuple[int, int],
    metres: tuple[float, float],
    table: KernelTable,
) -> TileResult | None:
    """Irradiate the usable cells of a window that belong to its tile."""
    mask = np.zeros(window.face.shape, dtype=bool)
    mask[own] = window.face[own] >= 0
    if not mask.any():
        return None
    surface, holes = clean_surface(window.surface_m)
    heights = surface if window.observer_m is None else np.asarray(window.observer_m, dtype=np.float32)
    cells: RoofCells = roof_cells(mask, heights, observer_raise_m=metres[1])
    codes = horizons(surface, cells, cell_size_m=metres[0], azimuths=table.azimuths, origin=origin)
    face = window.face[cells.rows, cells.cols].astype(np.int32)
    energy = irradiate(codes, planes, face, table=table)
    return TileResult(
        cells.rows.astype(np.int64) + origin[0], cells.cols.astype(np.int64) + origin[1], face, energy, holes
    )
