"""Surfaces around roofs, read window by window: what shades them, and the faces that are found in a height model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio import features
from rasterio.windows import Window as Piece

from kansenkaart.core.solar.classes import Planes, free_cells, plane_heights
from kansenkaart.core.solar.horizon import clean_surface
from kansenkaart.core.solar.irradiance import IrradianceTable
from kansenkaart.core.solar.segment import above_ground, refine, segment_faces
from kansenkaart.core.solar.surface import HALO_M, Window, irradiate_sheet, kernel_table, roof_planes
from kansenkaart.core.solar.weather import MONTHS
from kansenkaart.crs import RD
from kansenkaart.errors import CrsError
from kansenkaart.sources.tools.geofiles import open_raster
from kansenkaart.tables.assumptions import Assumptions

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


def shaded(
    faces: gpd.GeoDataFrame,
    whole: NDArray[np.bool_],
    sheet: Sheet | None,
    *,
    table: IrradianceTable,
    figures: Assumptions,
) -> gpd.GeoDataFrame:
    """Add the sun on the free part of each face and what shade takes of it; empty where no cell of it is free.

    Parameters
    ----------
    faces : GeoDataFrame
        Polygons with ``tilt_deg``, ``azimuth_deg``, ``eave_height_m_nap`` and ``open_sky_kwh_per_m2_year``.
    whole : array
        Which faces have a plane; only these cast shade where there is no sheet.
    sheet : Sheet, optional
        What shades them; left out, the faces themselves.
    table : IrradianceTable
        The station.
    figures : Assumptions
        For what rises above a plane, and how far the module does.
    """
    whole = whole & faces["eave_height_m_nap"].notna().to_numpy()
    if not whole.any():
        return faces.assign(sun_kwh_per_m2_year=np.nan, shade_frac=np.nan)
    own = faces[whole].reset_index(drop=True)
    own["azimuth_deg"] = own["azimuth_deg"].astype(float).fillna(0.0)
    swept = sweep(
        own,
        sheet or raised(Faces(own)),
        table=table,
        wanted=np.ones(len(own), bool),
        clearance_m=figures.value("roof_clearance", "m"),
        observer_raise_m=figures.value("roof_observer_raise", "m"),
    )
    per_m2 = np.full(len(faces), np.nan)
    per_m2[whole] = np.where(swept.free > 0, swept.energy.sum(axis=1) / np.maximum(swept.free, 1), np.nan)
    lost = 1.0 - per_m2 / faces["open_sky_kwh_per_m2_year"].to_numpy(float)
    return faces.assign(sun_kwh_per_m2_year=per_m2, shade_frac=np.clip(lost, 0.0, 1.0))


KEPT = [
    "face_id",
    "pand_id",
    "tilt_deg",
    "azimuth_deg",
    "roof_area_m2",
    "eave_height_m_nap",
    "basis",
    "found_frac",
    "geometry",
]
_TILE = 2048
FOLD = 5  # fine cells along a cell of the height model, in which the outlines of faces are drawn [1]


def no_faces() -> gpd.GeoDataFrame:
    """Return a table of faces without any."""
    return gpd.GeoDataFrame({name: [] for name in KEPT if name != "geometry"}, geometry=[], crs=RD)[KEPT]


def find_faces(pand: gpd.GeoDataFrame, sheet: Sheet) -> gpd.GeoDataFrame:
    """Find the faces of panden in a height model, tile by tile; a pand belongs to the tile of its inner point.

    Parameters
    ----------
    pand : GeoDataFrame
        Footprints with ``pand_id``.
    sheet : Sheet
        The height model.

    Returns
    -------
    GeoDataFrame
        ``KEPT``; ``found_frac`` is the share of the footprint above the ground that the faces of a pand cover together [1].
    """
    inner = pand.geometry.representative_point()
    col, row = ~sheet.place * (inner.x.to_numpy(), inner.y.to_numpy())
    on = (col >= 0) & (row >= 0) & (col < sheet.shape[1]) & (row < sheet.shape[0])
    tile = np.where(on, (row // _TILE) * 1_000_000 + col // _TILE, -1)
    parts = [_in_tile(pand[tile == one], sheet, int(one)) for one in np.unique(tile[on])]
    return gpd.GeoDataFrame(pd.concat([no_faces(), *parts], ignore_index=True), crs=RD) if parts else no_faces()


def _in_tile(pand: gpd.GeoDataFrame, sheet: Sheet, tile: int) -> gpd.GeoDataFrame:
    halo = int(np.ceil(HALO_M / sheet.cell_m))
    top, left = (tile // 1_000_000) * _TILE, (tile % 1_000_000) * _TILE
    row, col = max(top - halo, 0), max(left - halo, 0)
    rows = min(top + _TILE + halo, sheet.shape[0]) - row
    cols = min(left + _TILE + halo, sheet.shape[1]) - col
    piece = Piece(col, row, cols, rows)
    place = sheet.place_of(piece)
    surface, _ = clean_surface(sheet.read(piece))
    drawn = [(shape, number) for number, shape in enumerate(pand.geometry)]
    building = features.rasterize(drawn, surface.shape, fill=-1, transform=place, dtype="int32")
    building, above = above_ground(surface, building, len(pand))
    label, found = segment_faces(surface, building, cell_size_m=sheet.cell_m)
    if found.empty:
        return no_faces()
    shapes = _outlines(label, found, place, pand.geometry.to_numpy())
    roofed = ~shapely.is_empty(shapes)
    found, shapes = found[roofed].reset_index(drop=True), shapes[roofed]
    number = found.groupby("building").cumcount().to_numpy()
    ids = pand["pand_id"].to_numpy()[found["building"].to_numpy()]
    found["roof_area_m2"] = shapely.area(shapes) * np.sqrt(1 + found["a"] ** 2 + found["b"] ** 2)
    seen = pd.Series(shapely.area(shapes)).groupby(ids).transform("sum").to_numpy()
    whole = (pand.geometry.area.to_numpy() * above)[found["building"].to_numpy()]
    out = _levelled(found, shapes, (place.c + place.a / 2, place.f + place.e / 2)).assign(
        face_id=[f"{one}-d{n}" for one, n in zip(ids, number, strict=True)],
        pand_id=ids,
        basis="dsm",
        found_frac=seen / np.maximum(whole, 1e-9),
    )
    return gpd.GeoDataFrame(out, geometry=shapes, crs=RD)[KEPT]


def _outlines(
    label: NDArray[np.int32], found: pd.DataFrame, place: Affine, footprints: NDArray[np.object_]
) -> NDArray[np.object_]:
    """Outline each face within its footprint: ridges where planes meet, edges where the footprint has them."""
    planes = np.column_stack([found["a"] * place.a, found["b"] * place.e, found["c"]])
    out = np.full(len(found), shapely.Polygon(), dtype=np.object_)
    rows, cols = np.nonzero(label >= 0)
    owner = found["building"].to_numpy()[label[rows, cols]]
    order = np.argsort(owner, kind="stable")
    starts = np.flatnonzero(np.diff(owner[order], prepend=-1))
    for at in np.split(order, starts[1:]):
        window = slice(rows[at].min() - 1, rows[at].max() + 2), slice(cols[at].min() - 1, cols[at].max() + 2)
        own = _window(label, window)
        faces = np.unique(label[rows[at], cols[at]])
        local = np.where(np.isin(own, faces), np.searchsorted(faces, own), -1).astype(np.int32)
        first = window[0].start, window[1].start
        shifted = planes[faces]
        shifted[:, 2] += shifted[:, 0] * first[1] + shifted[:, 1] * first[0]
        fine = refine(local, shifted, fold=FOLD)
        corner = place * Affine.translation(first[1], first[0]) * Affine.scale(1 / FOLD)
        out[faces] = _cut(fine, corner, len(faces), footprints[owner[at[0]]])
    return out


def _window(label: NDArray[np.int32], window: tuple[slice, slice]) -> NDArray[np.int32]:
    """Return a window of a raster that may reach one cell past it."""
    (top, bottom), (left, right) = ((one.start, one.stop) for one in window)
    rows, cols = label.shape
    inside = label[max(top, 0) : min(bottom, rows), max(left, 0) : min(right, cols)]
    pad = ((max(-top, 0), max(bottom - rows, 0)), (max(-left, 0), max(right - cols, 0)))
    return np.pad(inside, pad, constant_values=-1)


def _cut(fine: NDArray[np.int32], corner: Affine, count: int, footprint: Any) -> NDArray[np.object_]:
    """Trace the faces of a fine raster, straighten their common borders, and cut them with the footprint."""
    parts: list[list[Any]] = [[] for _ in range(count)]
    traced = [
        (shapely.geometry.shape(one), int(value))
        for one, value in features.shapes(fine, mask=fine >= 0, connectivity=4, transform=corner)
    ]
    straight = shapely.coverage_simplify(np.array([one for one, _ in traced], dtype=object), abs(corner.a))
    for shape, (_, face) in zip(straight, traced, strict=True):
        parts[face].append(shape)
    joined = np.array([shapely.union_all(one) for one in parts], dtype=np.object_)
    cut = shapely.intersection(joined, footprint if footprint.is_valid else footprint.buffer(0))
    return np.array([_polygons(one) for one in cut], dtype=np.object_)


def _polygons(shape: Any) -> Any:
    """Keep the polygons of a cut: lines and points at which shapes only touch are no roof."""
    found = [one for one in shapely.get_parts(shape) if one.geom_type == "Polygon" and one.area > 0]
    return found[0] if len(found) == 1 else shapely.MultiPolygon(found) if found else shapely.Polygon()


def _levelled(found: pd.DataFrame, shapes: NDArray[np.object_], origin: tuple[float, float]) -> pd.DataFrame:
    """Give each face its eave: the height of its plane at the lowest corner; one without a direction lies level."""
    flat = found["azimuth_deg"].isna().to_numpy()
    middle = shapely.get_coordinates(shapely.centroid(shapes))
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    low = np.full(len(shapes), np.inf)
    np.minimum.at(low, owner, _height(found.iloc[owner], points, origin))
    eave = np.where(flat, _height(found, middle, origin), low)
    return found.assign(eave_height_m_nap=eave, tilt_deg=np.where(flat, 0.0, found["tilt_deg"]))


def _height(planes: pd.DataFrame, points: NDArray[np.float64], origin: tuple[float, float]) -> NDArray[np.float64]:
    a, b, c = (planes[name].to_numpy(float) for name in "abc")
    return np.asarray(c + a * (points[:, 0] - origin[0]) + b * (points[:, 1] - origin[1]))
