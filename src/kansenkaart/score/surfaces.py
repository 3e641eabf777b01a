"""Surfaces that shade roofs, read window by window: a height model, or one raised from the roof faces themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio import features
from rasterio.windows import Window as Piece

from kansenkaart.core.solar.classes import Planes, free_cells, plane_heights
from kansenkaart.core.solar.irradiance import IrradianceTable
from kansenkaart.core.solar.surface import Window, irradiate_sheet, kernel_table, roof_planes
from kansenkaart.core.solar.weather import MONTHS
from kansenkaart.crs import RD
from kansenkaart.errors import CrsError
from kansenkaart.sources.tools.geofiles import open_raster

RAISED_CELL_M = 0.5  # the cell of AHN's own grids
Read = Callable[[Piece], NDArray[np.float32]]


@dataclass(frozen=True)
class Sheet:
    """A surface that can be read piece by piece.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns.
    place : Affine
        From column and row to RD New [m].
    read : callable
        Heights of a piece [m NAP], NaN where unknown.
    """

    shape: tuple[int, int]
    place: Affine
    read: Read

    @property
    def cell_m(self) -> float:
        """Side of a cell [m]."""
        return abs(float(self.place.a))

    def place_of(self, piece: Piece) -> Affine:
        """Return the transform of a piece."""
        return self.place * Affine.translation(piece.col_off, piece.row_off)


class Faces:
    """Roof faces that can be drawn on any piece of a sheet."""

    def __init__(self, faces: gpd.GeoDataFrame) -> None:
        self.shapes = faces.geometry.to_numpy()
        self.planes = planes_of(faces)
        self._tree = shapely.STRtree(self.shapes)

    def label(self, shape: tuple[int, int], place: Affine) -> NDArray[np.int32]:
        """Draw the number of the face in each cell; -1 where there is none."""
        box = shapely.box(*rasterio.transform.array_bounds(*shape, place))
        near = np.sort(self._tree.query(box))
        if not len(near):
            return np.full(shape, -1, np.int32)
        drawn = [(self.shapes[i], int(i)) for i in near]
        return np.asarray(features.rasterize(drawn, shape, fill=-1, transform=place, dtype="int32"))

    def heights(self, label: NDArray[np.int32], place: Affine) -> NDArray[np.float32]:
        """Return the height of the face's plane in each cell [m NAP]; NaN where there is none."""
        x = place.c + place.a * (np.arange(label.shape[1]) + 0.5)
        y = place.f + place.e * (np.arange(label.shape[0]) + 0.5)
        wide = np.broadcast_to(x, label.shape), np.broadcast_to(y[:, None], label.shape)
        return plane_heights(self.planes, label, x_m=wide[0], y_m=wide[1])


def height_model(path: Path) -> Sheet:
    """Open a height model.

    Parameters
    ----------
    path : Path
        A GeoTIFF in RD New with square cells, north up [m NAP].

    Raises
    ------
    CrsError
        If its reference system is not RD New, or it is turned or has oblong cells: nothing is reprojected silently.
    """
    with open_raster(path) as sheet:
        shape, place, system = sheet.shape, sheet.transform, sheet.crs
    if system is None or (system.to_epsg() not in (28992, 7415) and "Amersfoort / RD New" not in str(system)):
        raise CrsError(
            f"a height model in RD New ({RD})",
            found=str(system or "no reference system"),
            where=path.name,
            remedy="reproject it first, for instance with gdalwarp -t_srs EPSG:28992",
        )
    if place.b or place.d or not np.isclose(place.a, -place.e):
        raise CrsError(
            "square cells, north up",
            found=f"a transform of {tuple(place)[:6]}",
            where=path.name,
            remedy="resample it first, for instance with gdalwarp -tr 0.5 0.5",
        )

    def read(piece: Piece) -> NDArray[np.float32]:
        with open_raster(path) as sheet:
            return np.asarray(sheet.read(1, window=piece, masked=True).filled(np.nan), dtype=np.float32)

    return Sheet(shape, place, read)


def raised(faces: Faces) -> Sheet:
    """Raise a surface from roof faces: neighbours shade each other, and nothing else is known.

    Parameters
    ----------
    faces : Faces
        With their planes.
    """
    west, south, east, north = shapely.total_bounds(faces.shapes)
    west, north = np.floor(west), np.ceil(north)
    shape = int(np.ceil((north - south) / RAISED_CELL_M)), int(np.ceil((east - west) / RAISED_CELL_M))
    place = Affine(RAISED_CELL_M, 0, west, 0, -RAISED_CELL_M, north)

    def read(piece: Piece) -> NDArray[np.float32]:
        here = place * Affine.translation(piece.col_off, piece.row_off)
        return faces.heights(faces.label((piece.height, piece.width), here), here)

    return Sheet(shape, place, read)


def planes_of(faces: gpd.GeoDataFrame) -> Planes:
    """Find of each face a point at its eave: the corner that lies furthest down the slope."""
    tilt, azimuth = faces["tilt_deg"].to_numpy(float), faces["azimuth_deg"].to_numpy(float)
    points, owner = shapely.get_coordinates(faces.geometry.to_numpy(), return_index=True)
    turn: NDArray[Any] = np.radians(np.nan_to_num(azimuth))
    down = points[:, 0] * np.sin(turn)[owner] + points[:, 1] * np.cos(turn)[owner]
    order = np.lexsort((down, owner))
    last = np.append(np.flatnonzero(np.diff(owner[order])), len(owner) - 1)
    low = points[order][last]
    return Planes(tilt, azimuth, faces["eave_height_m_nap"].to_numpy(float), low[:, 0], low[:, 1])


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
    for tile in irradiate_sheet(
        read, planes, shape=sheet.shape, cell_size_m=sheet.cell_m, table=kernel, observer_raise_m=observer_raise_m
    ):
        for month in range(MONTHS):
            sums[:, month] += np.bincount(tile.face, tile.energy[:, month].astype(float), minlength=count)
        free += np.bincount(tile.face, minlength=count)
    apart, gone = (np.unique(np.concatenate(one), axis=0) for one in (blocked, holes))  # halos overlap: count once
    per_face = [np.bincount(one[:, 0].astype(int), minlength=count) for one in (apart, gone)]
    return Swept(sums, free, free + per_face[0], per_face[1], apart)
