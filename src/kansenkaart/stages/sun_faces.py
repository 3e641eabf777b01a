"""Roof faces of a study: those of 3DBAG, and for panden without any, faces found in the height model."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from rasterio import features
from rasterio.windows import Window as Piece

from kansenkaart.core.solar.horizon import clean_surface
from kansenkaart.core.solar.segment import segment_faces
from kansenkaart.core.solar.surface import HALO_M
from kansenkaart.crs import RD
from kansenkaart.stages.sun_sheet import Sheet, height_model
from kansenkaart.store import Store

KEPT = ["face_id", "pand_id", "tilt_deg", "azimuth_deg", "roof_area_m2", "eave_height_m_nap", "basis", "geometry"]
_TILE = 2048


def faces_of(store: Store) -> gpd.GeoDataFrame:
    """Return all roof faces that are known or can be found.

    Returns
    -------
    GeoDataFrame
        ``KEPT``; ``basis`` is ``lod22`` or ``dsm``.
    """
    known = store.read("roof_face").assign(basis="lod22")[KEPT] if store.has("roof_face") else None
    if not (store.has("dsm") and store.has("pand")):
        return known if known is not None else _empty()
    pand = store.read("pand")
    bare = pand if known is None else pand[~pand["pand_id"].isin(known["pand_id"])]
    found = find_faces(bare, height_model(store.path("dsm")))
    parts = [one for one in (known, found) if one is not None and len(one)]
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=RD) if parts else _empty()


def _empty() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({name: [] for name in KEPT if name != "geometry"}, geometry=[], crs=RD)[KEPT]


def find_faces(pand: gpd.GeoDataFrame, sheet: Sheet) -> gpd.GeoDataFrame:
    """Find the faces of panden in a height model, tile by tile; a pand belongs to the tile of its inner point."""
    inner = pand.geometry.representative_point()
    col, row = ~sheet.place * (inner.x.to_numpy(), inner.y.to_numpy())
    on = (col >= 0) & (row >= 0) & (col < sheet.shape[1]) & (row < sheet.shape[0])
    tile = np.where(on, (row // _TILE) * 1_000_000 + col // _TILE, -1)
    parts = [_in_tile(pand[tile == one], sheet, int(one)) for one in np.unique(tile[on])]
    return gpd.GeoDataFrame(pd.concat([_empty(), *parts], ignore_index=True), crs=RD) if parts else _empty()


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
    label, found = segment_faces(surface, building, cell_size_m=sheet.cell_m)
    if found.empty:
        return _empty()
    shapes = _outlines(label, place, len(found))
    owner = found["building"].to_numpy()
    number = found.groupby("building").cumcount().to_numpy()
    ids = pand["pand_id"].to_numpy()[owner]
    out = _levelled(found, shapes, (place.c + place.a / 2, place.f + place.e / 2)).assign(
        face_id=[f"{one}-d{n}" for one, n in zip(ids, number, strict=True)], pand_id=ids, basis="dsm"
    )
    return gpd.GeoDataFrame(out, geometry=shapes, crs=RD)[KEPT]


def _outlines(label: NDArray[np.int32], place: object, count: int) -> NDArray[np.object_]:
    parts: list[list[shapely.Polygon]] = [[] for _ in range(count)]
    for shape, value in _polygons(label, place):
        parts[value].append(shape)
    return np.array([one[0] if len(one) == 1 else shapely.MultiPolygon(one) for one in parts], dtype=np.object_)


def _polygons(label: NDArray[np.int32], place: object) -> Iterator[tuple[shapely.Polygon, int]]:
    for shape, value in features.shapes(label, mask=label >= 0, connectivity=4, transform=place):
        outline = shapely.geometry.shape(shape)
        assert isinstance(outline, shapely.Polygon)  # noqa: S101 - rasterio traces polygons only
        yield outline, int(value)


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
