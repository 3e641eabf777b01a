"""Sun on roof faces: open sky where only the faces are known, with shade and obstacles where a surface model lies over them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio import features
from rasterio.windows import Window as Piece
from rasterio.windows import transform as moved

from kansenkaart.assumptions import Assumptions
from kansenkaart.core.solar.irradiance import IrradianceTable, Site, cumulative_irradiance
from kansenkaart.core.solar.labels import Planes, face_sums, free_cells, plane_heights
from kansenkaart.core.solar.opensky import open_sky_kwh_per_m2
from kansenkaart.core.solar.surface import STEEPEST_DEG, Window, irradiate_sheet, kernel_table, roof_planes
from kansenkaart.provenance import Tally
from kansenkaart.stages.steps import Product
from kansenkaart.store import Store

USED = ("ground_albedo", "roof_clearance", "roof_observer_raise", "roof_least_cover")
_COLUMNS = [
    "face_id", "pand_id", "buurtcode", "tilt_deg", "azimuth_deg", "roof_area_m2", "free_area_m2",
    "open_sky_kwh_per_m2_year", "open_sky_kwh_per_year", "sun_kwh_per_m2_year", "sun_kwh_per_year", "shade_frac",
    "score_basis", "geometry",
]  # fmt: skip


def score_roofs(store: Store, known: Assumptions) -> Sequence[Product]:
    """Score every roof face; what is unknown stays unknown and lowers the basis."""
    faces, weather = store.read("roof_face"), store.read("weather_hourly")
    pand = store.read("pand") if store.has("pand") else None
    site = Site(float(weather["latitude_deg"].iloc[0]), float(weather["longitude_deg"].iloc[0]))
    albedo = known.value("ground_albedo", "1")
    open_sky = open_sky_kwh_per_m2(
        weather, tilt_deg=faces["tilt_deg"].to_numpy(float), azimuth_deg=faces["azimuth_deg"].to_numpy(float),
        latitude_deg=site.latitude_deg, longitude_deg=site.longitude_deg, albedo=albedo,
    )  # fmt: skip
    codes = None if pand is None else pand.set_index("pand_id")["buurtcode"]
    scored = faces.assign(
        buurtcode=None if codes is None else faces["pand_id"].map(codes), open_sky_kwh_per_m2_year=open_sky,
        open_sky_kwh_per_year=open_sky * faces["roof_area_m2"],
        **dict.fromkeys(("free_area_m2", "sun_kwh_per_m2_year", "sun_kwh_per_year", "shade_frac"), np.nan), score_basis="lod22",
    )  # fmt: skip
    if store.has("dsm"):
        scored = _with_shade(scored, store.path("dsm"), _table(weather, site, albedo), known)
    strange = 0 if codes is None else int((~faces["pand_id"].isin(codes.index)).sum())
    noted = {"richting of helling onbekend": int(np.isnan(open_sky).sum()), "dakvlak zonder pand in de BAG": strange,
             "zonder hoogtemodel, dus zonder schaduw": int((scored["score_basis"] == "lod22").sum())}  # fmt: skip
    return [Product("roof_face_score", scored[_COLUMNS], Tally(len(faces), len(scored), noted=noted))]


def _table(weather: pd.DataFrame, site: Site, albedo: float) -> IrradianceTable:
    hours = weather[["ghi_w_per_m2", "dni_w_per_m2", "dhi_w_per_m2"]].set_axis(
        pd.to_datetime(weather["timestamp"], utc=True)
    )
    return cumulative_irradiance(hours, site=site, albedo=albedo)


def _with_shade(scored: gpd.GeoDataFrame, dsm: Path, table: IrradianceTable, known: Assumptions) -> gpd.GeoDataFrame:
    usable = scored["tilt_deg"].le(STEEPEST_DEG) & (scored["azimuth_deg"].notna() | scored["tilt_deg"].eq(0))
    part = scored[usable]
    sums, free, seen = _sweep(part, dsm, table, known)
    with rasterio.open(dsm) as sheet:
        cell_m2 = abs(sheet.transform.a * sheet.transform.e)
    cells = part.geometry.area.to_numpy() / cell_m2
    covered = (seen / np.maximum(cells, 1) >= known.value("roof_least_cover", "1")) & (seen > 0)
    per_m2 = np.where(covered & (free > 0), sums / np.maximum(free, 1), np.nan)
    area = np.where(covered, part["roof_area_m2"] * free / np.maximum(seen, 1), np.nan)
    energy = np.where(covered & (free == 0), 0.0, per_m2 * area)
    shade = 1 - per_m2 / part["open_sky_kwh_per_m2_year"].to_numpy(float)
    out = scored.copy()
    columns = {
        "free_area_m2": area, "sun_kwh_per_m2_year": per_m2, "sun_kwh_per_year": energy,
        "shade_frac": np.clip(shade, 0, 1), "score_basis": np.where(covered, "lod22+dsm", "lod22"),
    }  # fmt: skip
    for name, values in columns.items():
        out.loc[part.index, name] = values
    return out


def _sweep(
    part: gpd.GeoDataFrame, dsm: Path, table: IrradianceTable, known: Assumptions
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Irradiate all free cells of the faces; returns energy [kWh/m2 cells], free cells and cells with a height, per face."""
    count = len(part)
    kernel = kernel_table(table)
    planes = roof_planes(
        part["tilt_deg"].to_numpy(float), part["azimuth_deg"].to_numpy(float), table=table, kernel=kernel
    )
    sums, free, seen = np.zeros(count), np.zeros(count, np.int64), np.zeros(count, np.int64)
    shapes = [(shape, number) for number, shape in enumerate(part.geometry)]
    where = _planes(part)
    with rasterio.open(dsm) as sheet:

        def read(row: int, col: int, rows: int, cols: int) -> Window:
            piece = Piece(col, row, cols, rows)
            surface = sheet.read(1, window=piece, masked=True).filled(np.nan).astype(np.float32)
            place = moved(piece, sheet.transform)
            face = features.rasterize(shapes, (rows, cols), fill=-1, transform=place, dtype="int32")
            x = place.c + place.a * (np.arange(cols) + 0.5)
            y = place.f + place.e * (np.arange(rows) + 0.5)
            height = plane_heights(
                where, face, x_m=np.broadcast_to(x, face.shape), y_m=np.broadcast_to(y[:, None], face.shape)
            )
            clear = free_cells(face, plane_m=height, surface_m=surface, clearance_m=known.value("roof_clearance", "m"))
            np.maximum(seen, face_sums(np.where(np.isnan(surface), -1, face), surface, faces=count)[1], out=seen)
            return Window(surface, np.where(clear, face, -1).astype(np.int32), height)

        tiles = irradiate_sheet(read, planes, shape=sheet.shape, cell_size_m=abs(sheet.transform.a), table=kernel,
                                observer_raise_m=known.value("roof_observer_raise", "m"))  # fmt: skip
        for tile in tiles:
            energy, cells = face_sums(tile.face, tile.energy[:, 0].astype(float), faces=count)
            sums += energy
            free += cells
    return sums, free, seen


def _planes(part: gpd.GeoDataFrame) -> Planes:
    """Find of each face a point at its eave: the corner that lies furthest down the slope."""
    tilt, azimuth = part["tilt_deg"].to_numpy(float), part["azimuth_deg"].to_numpy(float)
    points, owner = shapely.get_coordinates(part.geometry.to_numpy(), return_index=True)
    turn = np.radians(np.nan_to_num(azimuth))
    down = points[:, 0] * np.sin(turn)[owner] + points[:, 1] * np.cos(turn)[owner]
    order = np.lexsort((down, owner))
    last = np.append(np.flatnonzero(np.diff(owner[order])), len(owner) - 1)
    low = points[order][last]
    return Planes(tilt, azimuth, part["eave_height_m_nap"].to_numpy(float), low[:, 0], low[:, 1])
