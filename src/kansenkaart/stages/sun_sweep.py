"""Faces on a sheet: which cells are free, and the year's sun on them with the shade of all around."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window as Piece

from kansenkaart.core.solar.irradiance import IrradianceTable
from kansenkaart.core.solar.labels import free_cells
from kansenkaart.core.solar.surface import Window, irradiate_sheet, kernel_table, roof_planes
from kansenkaart.core.solar.weather import MONTHS
from kansenkaart.stages.sun_sheet import Faces, Sheet


@dataclass(frozen=True)
class Swept:
    """Sums per face.

    Attributes
    ----------
    energy : numpy.ndarray
        Sum over the free cells, month by month (faces, 12) [kWh/m2 x cells].
    free, seen : numpy.ndarray
        Free cells, and free and blocked cells together [1]; only of faces wanted.
    holes : numpy.ndarray
        Cells of the faces wanted of which the sheet does not know the height [1].
    blocked : numpy.ndarray
        (n, 3) face, x, y [m RD] of cells that are not free.
    """

    energy: NDArray[np.float64]
    free: NDArray[np.int64]
    seen: NDArray[np.int64]
    holes: NDArray[np.int64]
    blocked: NDArray[np.float64]


def sweep(
    frame: gpd.GeoDataFrame,
    sheet: Sheet,
    *,
    table: IrradianceTable,
    wanted: NDArray[np.bool_],
    clearance_m: float,
    observer_raise_m: float,
) -> Swept:
    """Irradiate the free cells of the faces wanted; all faces take part in telling cells apart.

    Parameters
    ----------
    frame : GeoDataFrame
        Faces with a plane (``tilt_deg``, ``azimuth_deg``, ``eave_height_m_nap``).
    sheet : Sheet
        What shades them.
    table : IrradianceTable
        The station.
    wanted : array
        Which faces are scored.
    clearance_m, observer_raise_m : float
        What rises more above the plane is an obstacle; height of the module above the plane [m].
    """
    count, faces = len(frame), Faces(frame)
    kernel = kernel_table(table, monthly=True)
    planes = roof_planes(
        frame["tilt_deg"].to_numpy(float), frame["azimuth_deg"].to_numpy(float), table=table, kernel=kernel
    )
    blocked, holes = [np.empty((0, 3))], [np.empty((0, 3))]

    def read(row: int, col: int, rows: int, cols: int) -> Window:
        piece = Piece(col, row, cols, rows)
        surface, place = sheet.read(piece), sheet.place_of(piece)
        label = faces.label(surface.shape, place)
        height = faces.heights(label, place)
        clear = free_cells(label, plane_m=height, surface_m=surface, clearance_m=clearance_m)
        chosen, unknown = (label >= 0) & wanted[np.maximum(label, 0)], np.isnan(surface)
        for kept, which in ((blocked, chosen & ~unknown & ~clear), (holes, chosen & unknown)):
            at = np.argwhere(which)
            x, y = place.c + place.a * (at[:, 1] + 0.5), place.f + place.e * (at[:, 0] + 0.5)
            kept.append(np.column_stack([label[at[:, 0], at[:, 1]], x, y]))
        score = clear & chosen
        return Window(surface, np.where(score, label, -1).astype(np.int32), height)

    sums, free = np.zeros((count, MONTHS)), np.zeros(count, np.int64)
    for tile in irradiate_sheet(read, planes, shape=sheet.shape, cell_size_m=sheet.cell_m, table=kernel,
                                observer_raise_m=observer_raise_m):  # fmt: skip
        for month in range(MONTHS):
            sums[:, month] += np.bincount(tile.face, tile.energy[:, month].astype(float), minlength=count)
        free += np.bincount(tile.face, minlength=count)
    apart, gone = (np.unique(np.concatenate(one), axis=0) for one in (blocked, holes))  # halos overlap: count once
    per_face = [np.bincount(one[:, 0].astype(int), minlength=count) for one in (apart, gone)]
    return Swept(sums, free, free + per_face[0], per_face[1], apart)
